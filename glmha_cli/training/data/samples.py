"""Training samples as a pure function of (seed, step): a killed run resumes to the same data, on any worker."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from einops import rearrange
from PIL import Image
from torch.utils.data import DataLoader, Dataset, Sampler

from glmha_cli.training.data.pairs import PhotoPair
from glmha_cli.training.data.sources import CleanImage, Targets
from glmha_cli.training.degradations import Degradation, MakePair
from glmha_cli.training.degradations.sensor import log_uniform
from glmha_cli.training.recipe import Schedule, Stage

SampleKey = tuple[int, int, Stage]  # step, place in the batch
Sample = tuple[tuple[np.ndarray, ...], np.ndarray]
"""The network's inputs and its target, (h, w, c) each: photos as bytes, all else as float16 (see `packed`)."""


class Samples(Dataset):
    """Key -> sample: random crops, flipped and turned; of targets, made and degraded, or of a pair as it is."""

    def __init__(
        self,
        targets: Targets,
        degradation: Degradation,
        pairs: Sequence[PhotoPair] = (),
        *,
        seed: int,
        shrink: float = 1.0,
    ) -> None:
        self.targets, self.degradation, self.pairs, self.seed, self.shrink = targets, degradation, pairs, seed, shrink
        self.makers = degradation.training() if targets.images else []

    def __reduce__(self) -> tuple:
        """To a worker that is no fork the degradation goes as its config: the function made of it need not pickle."""
        return partial(Samples, seed=self.seed, shrink=self.shrink), (self.targets, self.degradation, self.pairs)

    def __getitem__(self, key: SampleKey) -> Sample:
        step, place, stage = key
        rng = np.random.default_rng([self.seed, step, place])
        index = int(rng.integers(len(self.targets.images) + len(self.pairs))) - len(self.targets.images)
        if index >= 0:
            both = random_crop(np.concatenate(self.pairs[index].read(), axis=2), stage.side_px, rng)[: stage.height_px]
            return (both[..., :3],), both[..., 3:]
        others = rng.integers(len(self.targets.images), size=stage.mosaic**2 - 1)
        crops = [shrunk_crop(self.targets.images[i], stage.patch_px, self.shrink, rng) for i in (index, *others)]
        made = [self.targets.make(crop[: stage.rows], rng) for crop in crops]
        return sample(mosaic(made, stage.mosaic), self.makers[step % len(self.makers)], rng)


def mosaic(crops: Sequence[np.ndarray], side: int) -> np.ndarray:
    """(h, w, c) each, side^2 of them -> (side h, side w, c), row by row."""
    return rearrange(list(crops), "(i j) h w c -> (i h) (j w) c", i=side)


def shrunk_crop(image: CleanImage, patch_px: int, shrink: float, rng: np.random.Generator) -> CleanImage:
    """A crop of the photo made smaller by a factor from 1 to `shrink`, or less where it would be too small."""
    most = min(shrink, min(image.shape[:2]) / patch_px) if image.dtype == np.uint8 else 1
    side_px = round(patch_px * log_uniform(rng, (1, most))) if most > 1 else patch_px
    crop = random_crop(image, side_px, rng)
    if side_px == patch_px:
        return crop
    return np.asarray(Image.fromarray(crop).resize((patch_px, patch_px), Image.Resampling.LANCZOS))


def random_crop(image: CleanImage, patch_px: int, rng: np.random.Generator) -> CleanImage:
    top, left = (rng.integers(side - patch_px + 1) for side in image.shape[:2])
    crop = image[top : top + patch_px, left : left + patch_px]
    crop = np.rot90(crop, int(rng.integers(4)))
    return np.ascontiguousarray(crop[:, ::-1] if rng.random() < 0.5 else crop)


def sample(image: np.ndarray, make_pair: MakePair, rng: np.random.Generator) -> Sample:
    """Inputs and target made of a clean image."""
    inputs, target = make_pair(unpacked(image), rng)
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    return tuple(packed(array) for array in inputs), packed(target)


def packed(array: np.ndarray) -> np.ndarray:
    """As arrays wait in memory and travel between processes: photos (three channels) as bytes, others as float16."""
    if array.dtype == np.uint8:
        return array
    return np.rint(array * 255).astype(np.uint8) if array.shape[2] == 3 else array.astype(np.float16, copy=False)


def unpacked(array: np.ndarray) -> np.ndarray:
    """float32; bytes become [0, 1]."""
    return array.astype(np.float32) / 255 if array.dtype == np.uint8 else array.astype(np.float32, copy=False)


class StepBatches(Sampler[list[SampleKey]]):
    """The batches of steps [start, stop), sized by the schedule's stages; every DDP rank takes its share."""

    def __init__(self, schedule: Schedule, *, start: int, stop: int, rank: int = 0, world_size: int = 1) -> None:
        self.schedule, self.start, self.stop = schedule, start, stop
        self.rank, self.world_size = rank, world_size

    def __len__(self) -> int:
        return max(0, self.stop - self.start)

    def __iter__(self) -> Iterator[list[SampleKey]]:
        for step in range(self.start, self.stop):
            stage = self.schedule.stage(step)
            yield [(step, place, stage) for place in range(self.rank, stage.batch, self.world_size)]


class TrainingLoader(DataLoader):
    """A loader whose workers cannot be ended by a signal before they stand aside."""

    def __iter__(self) -> Any:
        with signals_held():  # inherited by the workers that start here
            return super().__iter__()


def training_loader(dataset: Dataset, batches: StepBatches, *, num_workers: int) -> DataLoader:
    """Prepared ahead by worker processes; (b, h, w, c), which permutes to channels-last for free."""
    return TrainingLoader(
        dataset,
        batch_sampler=batches,
        num_workers=num_workers,
        worker_init_fn=stand_aside,
        prefetch_factor=4 if num_workers else None,
    )


ENDING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signals_held() -> Iterator[None]:
    """What would end a process waits until the block is left, where the system can do so."""
    can = hasattr(signal, "pthread_sigmask")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING) if can else ()
    try:
        yield
    finally:
        if can:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stand_aside(worker: int) -> None:
    """A signal from the terminal goes to all processes of a run. A worker that ends first would take the run with it,
    before its checkpoint is written. SIGTERM is ignored only until then: it is
    how Python ends workers that are left over.
    """
    if hasattr(os, "setpgrp"):
        os.setpgrp()
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)  # this drops one that waits
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
