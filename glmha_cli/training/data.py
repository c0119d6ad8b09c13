"""Training samples as a pure function of (seed, step): a killed run resumes to the same data, on any worker."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt8
from torch.utils.data import DataLoader, Dataset, Sampler

from glmha_cli.training.degradations import Degrade
from glmha_cli.training.recipe import Schedule

SampleKey = tuple[int, int, int]  # step, place in the batch, patch_px


class DegradedPhotos(Dataset):
    """Key -> (degraded, clean), uint8 (patch_px, patch_px, 3) each, random crop, flips and quarter turns."""

    def __init__(self, photos: list[UInt8[np.ndarray, "h w 3"]], degrade: Degrade, *, seed: int) -> None:
        self.photos, self.degrade, self.seed = photos, degrade, seed

    def __getitem__(self, key: SampleKey) -> tuple[np.ndarray, np.ndarray]:
        step, place, patch_px = key
        rng = np.random.default_rng([self.seed, step, place])
        clean = random_crop(self.photos[rng.integers(len(self.photos))], patch_px, rng)
        degraded = self.degrade(clean.astype(np.float32) / 255, rng)
        return np.rint(degraded * 255).astype(np.uint8), clean


def random_crop(photo: np.ndarray, patch_px: int, rng: np.random.Generator) -> UInt8[np.ndarray, "p p 3"]:
    top, left = (rng.integers(side - patch_px + 1) for side in photo.shape[:2])
    crop = photo[top : top + patch_px, left : left + patch_px]
    crop = np.rot90(crop, rng.integers(4))
    return np.ascontiguousarray(crop[:, ::-1] if rng.random() < 0.5 else crop)


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
            yield [(step, place, stage.patch_px) for place in range(self.rank, stage.batch, self.world_size)]


def training_loader(dataset: Dataset, batches: StepBatches, *, num_workers: int) -> DataLoader:
    """Prepared ahead by worker processes; (b, h, w, 3) uint8, which permutes to channels-last for free."""
    ahead = {"prefetch_factor": 8} if num_workers else {}
    return DataLoader(dataset, batch_sampler=batches, num_workers=num_workers, **ahead)
