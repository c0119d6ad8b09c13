"""What an enhancement is to do, checked before any work."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np

from glmha_cli.attention.base import AttentionConfig
from glmha_cli.attention.csa import CSAConfig
from glmha_cli.attention.glmha import GLMHAConfig
from glmha_cli.errors import UsageError
from glmha_cli.evaluation.complexity import count
from glmha_cli.lookup import unknown
from glmha_cli.networks import network_from_plain, network_to_plain
from glmha_cli.networks.replace import with_attention
from glmha_cli.training.memory import saved_bytes
from glmha_cli.training.recipe import Recipe, Schedule
from glmha_cli.weights.about import config_of

Steps = Literal["init", "layers", "all"]
SIZE_PX = 256
"""Side of the image that a budget is counted for, as in published tables."""
HELD_BYTES = 6 * 10**9
"""Of a step's crops, held for the backward pass: the same on every machine, as results are, and within 12 GB in all."""
NUM_VALIDATIONS = 2
"""Of the whole network, while it is taught: each one takes from a few minutes what they are for."""
REDUCTIONS = (0.25, 0.5, 0.75, 0.9)
"""Those that each level is tried with where they are to be chosen; of the GLMHA paper's Table 7."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """attention: what comes in. levels: where, None for everywhere. steps: the last of them.

    budget_gmacs: multiply-adds (10^9) of an image of 256x256 px. loss_at_most_db: PSNR that may be lost before any
    training. With one of them the reduction is chosen level by level, not taken from `attention`. images: for
    statistics. layer_steps, whole_steps: at most; None for as many as
    `minutes` leave. Exact under a `seed` where no clock decides.
    """

    attention: AttentionConfig = field(default_factory=GLMHAConfig)
    levels: tuple[str, ...] | None = None
    steps: Steps = "all"
    budget_gmacs: float | None = None
    loss_at_most_db: float | None = None
    images: int = 64
    layer_steps: int = 400
    whole_steps: int | None = None
    minutes: float = 30
    seed: int = 1

    def __post_init__(self) -> None:
        if self.steps not in get_args(Steps):
            raise unknown("step", self.steps, get_args(Steps))
        if self.budget_gmacs is not None and self.loss_at_most_db is not None:
            raise UsageError(
                "reductions follow from a budget or from a loss, not from both", "--budget or --loss-at-most"
            )
        if self.chooses and not isinstance(self.attention, GLMHAConfig):
            raise UsageError("only reductions of GLMHA can be chosen level by level", "--attention glmha")

    @property
    def chooses(self) -> bool:
        """Whether the reductions are still to be found."""
        return self.budget_gmacs is not None or self.loss_at_most_db is not None

    def settings(self) -> dict[str, Any]:
        """What the result depends on, as JSON holds it."""
        return {**asdict(self), "levels": self.levels and list(self.levels)}


def require_fits(about: Mapping[str, Any], plan: Plan, where: Path) -> None:
    """UsageError for a source without channel attention where it is to be replaced, for a level that it does not have,
    and for a budget that no reduction keeps.
    """
    config: Any = config_of(about, str(where))
    if not hasattr(config, "attention_by_level"):
        raise UsageError(f"'{where}' holds a network without channel attention", "glmha info " + str(where))
    by_level = config.attention_by_level
    if plan.levels is None:
        old = [config.attention, *by_level.values()]
    else:
        old = [by_level.get(level, config.attention) for level in plan.levels]
    if any(not isinstance(each, CSAConfig) for each in old):
        name = network_to_plain(config)["attention"]["name"]
        raise UsageError(
            f"'{where}' has the attention '{name}' where channel attention (csa) is needed to start from",
            "a checkpoint with CSA, such as a released one: glmha models import FILE.pth --task TASK",
        )
    new = with_attention(config, plan.attention, plan.levels)
    if plan.budget_gmacs is not None:
        least = replace(cast(GLMHAConfig, plan.attention), reduction=REDUCTIONS[-1])
        cheapest = gmacs_of(with_attention(new, least, plan.levels))
        if cheapest > plan.budget_gmacs:
            raise UsageError(
                f"no reduction keeps {plan.budget_gmacs:g} G multiply-adds: at {REDUCTIONS[-1]:g} there are "
                f"{cheapest:.1f} G",
                f"--budget {np.ceil(cheapest):.0f}, or more levels",
            )


def gmacs_of(config: Any) -> float:
    """Multiply-adds (10^9) of the convolutions for an image of 256x256 px, as the published tables of Restormer have
    them."""
    return count(config, height=SIZE_PX, width=SIZE_PX).macs["convolutions"] / 1e9


def learnable(recipe: Recipe) -> Recipe:
    """The recipe with its last stage alone, and as many crops at once as `HELD_BYTES` hold of its network."""
    stage = recipe.schedule.stages[-1]
    each = saved_bytes(network_from_plain(recipe.network), height=stage.height_px, width=stage.side_px)
    batch = max(1, min(stage.batch, HELD_BYTES // each))
    return replace(recipe, schedule=replace(recipe.schedule, stages=(replace(stage, batch=batch, until=1.0),)))


def short_recipe(recipe: Recipe, plan: Plan, steps: int) -> Recipe:
    """Of the recipe's data, degradation and crops, with a low learning rate that falls to zero."""
    schedule = Schedule(
        steps=steps,
        learning_rate=recipe.schedule.learning_rate / 4,
        stages=recipe.schedule.stages,
        warmup_steps=min(20, steps),
        cooldown=0.8,
        weight_decay=0,
        ema_decay=0.99,
        validate_every=max(1, -(-steps // NUM_VALIDATIONS)),
    )
    return replace(recipe, schedule=schedule, seed=plan.seed)
