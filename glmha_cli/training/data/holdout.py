"""The fixed tenth of all data that is held out of training."""

from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

HOLD_OUT_EVERY = 10

T = TypeVar("T")


class Split(NamedTuple, Generic[T]):
    """What is trained on, and what is held out for validation."""

    training: list[T]
    held_out: list[T]


def divided(groups: Iterable[Sequence[T]]) -> Split[T]:
    """Hold out every tenth of a group, from its first on. Groups of fewer are counted through as one."""
    training: list[T] = []
    held_out: list[T] = []
    counted = 0
    for group in groups:
        small = len(group) < HOLD_OUT_EVERY
        for index, each in enumerate(group, start=counted if small else 0):
            (training if index % HOLD_OUT_EVERY else held_out).append(each)
        counted += len(group) if small else 0
    return Split(training, held_out)
