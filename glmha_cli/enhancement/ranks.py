"""How many channels each level has to keep: what each reduction costs there, told and measured, and the best choice.

Errors of different levels hardly depend on each other, so those of a choice are added up. With four levels and four
reductions there are few choices: all are compared.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import torch
from torch import nn

from glmha_cli.attention.csa import CSAConfig
from glmha_cli.attention.glmha import GLMHAConfig
from glmha_cli.enhancement.initial import initialise_all
from glmha_cli.enhancement.mixtures import ITERATIONS
from glmha_cli.enhancement.plan import REDUCTIONS, gmacs_of
from glmha_cli.enhancement.statistics import Inputs, Products, attentions_of
from glmha_cli.errors import UsageError
from glmha_cli.evaluation.complexity import count
from glmha_cli.networks.config import built_from
from glmha_cli.networks.replace import replace_attention, with_attention

Chosen = Mapping[str, float]
"""Level -> reduction; the other levels keep their channel attention."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One reduction at one level, without training and with all else as it was.

    saved_gmacs: multiply-adds (10^9) of 256x256 px that it saves. missed: attention's name -> the share of its output,
    in energy, that is expected to be missed. error: what the network's result differs, mean of squares, values in
    [0, 1].
    """

    level: str
    reduction: float
    saved_gmacs: float
    missed: Mapping[str, float]
    error: float


def levels_of(network: nn.Module) -> list[str]:
    """Those that have channel attention, the finest first."""
    there = set(attentions_of(network))
    names = {level: set(changed_at(network, [level])) for level in count(built_from(network)).levels}
    return [level for level, of_level in names.items() if of_level and of_level <= there]


def changed_at(network: nn.Module, levels: Sequence[str] | None) -> list[str]:
    """The names of the channel attentions at these levels, at all for None."""
    if levels is None:
        return list(attentions_of(network))
    without = with_attention(built_from(network), GLMHAConfig())
    with torch.device("meta"):
        return list(attentions_of(with_attention(without, CSAConfig(), levels).build()))


def trials(
    teacher: nn.Module,
    products: Mapping[str, Products],
    held_out: Sequence[Inputs],
    levels: Sequence[str],
    attention: GLMHAConfig,
    *,
    iterations: int = ITERATIONS,
    on_trial: Callable[[int, int], None] = lambda done, total: None,
) -> list[Trial]:
    """Each of `REDUCTIONS` at each level. products: of the attentions at these levels (see `statistics.collect`)."""
    wanted = results(teacher, held_out)
    cost = gmacs_of(built_from(teacher))
    pairs = list(product(levels, REDUCTIONS))
    found = []
    for done, (level, reduction) in enumerate(pairs):
        student = with_reductions(teacher, {level: reduction}, attention)
        found.append(
            Trial(
                level=level,
                reduction=reduction,
                saved_gmacs=cost - gmacs_of(built_from(student)),
                missed=initialise_all(student, teacher, products, iterations=iterations),
                error=mean_square(results(student, held_out), wanted),
            )
        )
        on_trial(done + 1, len(pairs))
    return found


def with_reductions(teacher: nn.Module, chosen: Chosen, attention: GLMHAConfig) -> nn.Module:
    """A new network with an attention of its own reduction at each of the chosen levels."""
    student = teacher
    for level, reduction in chosen.items():
        student = replace_attention(student, replace(attention, reduction=reduction), levels=[level])
    return student


@torch.no_grad()
def results(network: nn.Module, inputs: Iterable[Inputs]) -> list[torch.Tensor]:
    network.eval()
    return [network(*each) for each in inputs]


def mean_square(results: Sequence[torch.Tensor], wanted: Sequence[torch.Tensor]) -> float:
    return float(torch.stack([(a - b).square().mean() for a, b in zip(results, wanted, strict=True)]).mean())


def choices(tried: Iterable[Trial]) -> Iterator[tuple[float, float, Chosen]]:
    """(saved multiply-adds, expected error, reductions) of every mixture of trials, one a level or none."""
    by_level: dict[str, list[Trial | None]] = {}
    for trial in tried:
        by_level.setdefault(trial.level, [None]).append(trial)
    for mixture in product(*by_level.values()):
        taken = [trial for trial in mixture if trial is not None]
        chosen = {trial.level: trial.reduction for trial in taken}
        yield sum(trial.saved_gmacs for trial in taken), sum(trial.error for trial in taken), chosen


def least_error(tried: Iterable[Trial], *, saving_gmacs: float) -> Chosen:
    """The choice that saves so much, in 10^9 multiply-adds, and errs least; there must be one."""
    enough = [each for each in choices(tried) if each[0] >= saving_gmacs]
    return min(enough, key=lambda each: each[1])[2]


def most_saved(tried: Iterable[Trial], *, error: float, loss_at_most_db: float) -> Chosen:
    """The choice that saves most of those that lower the PSNR, of a network with this mean square error, by no more.

    UsageError where none does.
    """
    limit = error * (10 ** (loss_at_most_db / 10) - 1)
    found = list(choices(tried))
    _, _, chosen = max(found, key=lambda each: (each[1] <= limit, each[0]))
    if chosen:
        return chosen
    least = min(each for _, each, levels in found if levels)
    loss_db = 10 * math.log10(1 + least / error)
    raise UsageError(
        f"every reduction is expected to lose more than {loss_at_most_db:g} dB: the least loses {loss_db:.2f} dB",
        f"--loss-at-most {math.ceil(100 * loss_db) / 100:g}",
    )
