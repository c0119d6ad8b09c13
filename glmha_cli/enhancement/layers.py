"""Each new attention learns by itself to give what the old one gives for the same input, all at the same time."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from glmha_cli.enhancement.statistics import Inputs, Seen, attentions_of, watched

LEARNING_RATE = 1e-3
CHECK_EVERY = 25
"""Steps between two looks at what was held out."""
PATIENCE = 4
"""Looks without a gain anywhere, after which it ends."""


class Layers:
    """The old and the new attentions by name, and the best weights of each so far."""

    def __init__(self, teacher: nn.Module, students: Mapping[str, nn.Module]) -> None:
        self.teacher, self.students = teacher, students
        self.teachers = {name: part for name, part in attentions_of(teacher).items() if name in students}
        self.best: dict[str, float] = {}
        self.kept: dict[str, dict[str, Tensor]] = {}

    def teach(
        self,
        batches: Iterator[Inputs],
        held_out: Sequence[Inputs],
        *,
        steps: int,
        goes_on: Callable[[], bool] = lambda: True,
        on_step: Callable[[int, int], None] = lambda done, total: None,
    ) -> dict[str, float]:
        """The share of each attention's output that its student misses on what was held out, in energy, at its best.

        Ends after `steps`, when nothing is gained any more, or as soon as `goes_on` says no.
        """
        parameters = [each for student in self.students.values() for each in student.parameters()]
        optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=0)
        rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps))
        self.look(held_out)
        idle = 0
        for step in range(steps):
            if not goes_on() or idle == PATIENCE:
                break
            with watched(self.teachers) as seen:
                self._pass(next(batches))
                optimizer.zero_grad()
                torch.stack([missed(self.students[name], each) for name, each in seen.items()]).sum().backward()
            optimizer.step()
            rates.step()
            on_step(step + 1, steps)
            if (step + 1) % CHECK_EVERY == 0 or step + 1 == steps:
                idle = 0 if self.look(held_out) else idle + 1
        for name, student in self.students.items():
            student.load_state_dict(self.kept[name])
        return dict(self.best)

    @torch.no_grad()
    def look(self, held_out: Sequence[Inputs]) -> bool:
        """Keep the students that are better than before; whether there are any."""
        sums = dict.fromkeys(self.students, 0.0)
        with watched(self.teachers) as seen:
            for inputs in held_out:
                self._pass(inputs)
                for name, each in seen.items():
                    sums[name] += float(missed(self.students[name], each)) / len(held_out)
        better = [name for name, error in sums.items() if error < self.best.get(name, torch.inf)]
        for name in better:
            self.best[name] = sums[name]
            self.kept[name] = {key: value.clone() for key, value in self.students[name].state_dict().items()}
        return bool(better)

    @torch.no_grad()
    def _pass(self, inputs: Inputs) -> None:
        self.teacher(*inputs)


def missed(student: nn.Module, seen: Seen) -> Tensor:
    """The share of what the teacher gave that the student does not, in energy."""
    given = student(seen.x) if seen.gate is None else student(seen.x, seen.gate)
    return (given - seen.output).square().mean() / seen.output.square().mean().clamp_min(1e-30)
