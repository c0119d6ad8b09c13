"""The network that an enhancement begins with: its reductions chosen where they are to be, its first weights fitted."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from glmha_cli.attention.glmha import GLMHAConfig
from glmha_cli.enhancement.crops import HELD_OUT, Crops
from glmha_cli.enhancement.initial import initialise_all
from glmha_cli.enhancement.plan import Plan, gmacs_of
from glmha_cli.enhancement.ranks import (
    Chosen,
    changed_at,
    least_error,
    levels_of,
    mean_square,
    most_saved,
    results,
    trials,
    with_reductions,
)
from glmha_cli.enhancement.reporting import Reporter
from glmha_cli.enhancement.statistics import Inputs, Products, collect
from glmha_cli.networks.config import built_from
from glmha_cli.networks.replace import replace_attention

NUM_HELD_OUT = 4
"""Batches."""


def begun(teacher: nn.Module, crops: Crops, plan: Plan, reporter: Reporter) -> tuple[nn.Module, dict[str, Any]]:
    """A new network that does what the teacher does, as far as `plan.images` crops tell; and what to say of it."""
    num = -(-plan.images // crops.stage.batch)

    def told() -> Iterator[Inputs]:
        for done, inputs in enumerate(islice(crops.inputs(0), num)):
            yield inputs
            reporter.step_of("statistics", done + 1, num)

    products = collect(teacher, told(), changed_at(teacher, plan.levels))
    chosen = chosen_reductions(teacher, products, crops, plan, reporter) if plan.chooses else {}
    torch.manual_seed(plan.seed)  # of the weights that nothing is known of
    if chosen:
        student = with_reductions(teacher, chosen, cast(GLMHAConfig, plan.attention))
    else:
        student = replace_attention(teacher, plan.attention, levels=plan.levels)
    missed = initialise_all(student, teacher, products)
    told_of_it = {"missed": round(float(np.mean(list(missed.values()))), 4)}
    return student, told_of_it | ({"reductions": chosen} if chosen else {})


def chosen_reductions(
    teacher: nn.Module, products: Mapping[str, Products], crops: Crops, plan: Plan, reporter: Reporter
) -> Chosen:
    """The best of what every reduction does at every level, within the plan's budget or loss."""
    held_out = list(islice(crops.pairs(HELD_OUT), NUM_HELD_OUT))
    inputs = [given for given, _ in held_out]
    tried = trials(
        teacher,
        products,
        inputs,
        plan.levels or levels_of(teacher),
        cast(GLMHAConfig, plan.attention),
        on_trial=lambda done, total: reporter.step_of("reductions", done, total),
    )
    if plan.budget_gmacs is not None:
        return least_error(tried, saving_gmacs=gmacs_of(built_from(teacher)) - plan.budget_gmacs)
    error = mean_square(results(teacher, inputs), [truth for _, truth in held_out])
    return most_saved(tried, error=error, loss_at_most_db=cast(float, plan.loss_at_most_db))
