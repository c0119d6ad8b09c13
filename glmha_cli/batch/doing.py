"""Jobs as one process does them: with a reader of its own, the network, and the pipeline between them."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

from glmha_cli.batch.files import FileOptions
from glmha_cli.batch.jobs import Job
from glmha_cli.batch.keeper import Keeping
from glmha_cli.batch.kinds import supervised_for
from glmha_cli.batch.pipeline import run_jobs
from glmha_cli.batch.places import Places
from glmha_cli.batch.report import Outcome
from glmha_cli.batch.stages import OwnRestorer
from glmha_cli.batch.worker import Worker
from glmha_cli.inference.engine_choice import num_side_by_side
from glmha_cli.inference.gathered import Gathered
from glmha_cli.inference.loader import Loader
from glmha_cli.inference.memory import free_bytes
from glmha_cli.weights.store import Weights


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a process that does jobs needs to know.

    sizes: of some of the images, (h, w). hashes: tell the sha256 of inputs and outputs.
    """

    loader: Loader
    weights: Weights
    files: FileOptions
    sizes: Sequence[tuple[int, int]]
    hashes: bool


def outcomes_of(
    jobs: Iterable[Job | None], setup: Setup, keeper: Keeping, places: Places
) -> Generator[Outcome, None, None]:
    """Load the network, then do the jobs as `run_jobs` has it."""
    say = keeper.reporter.warning
    with supervised_for(setup.loader.task, memory_bytes=free_bytes(), say=say) as reader:
        reader.start()  # it gets ready while the network is loaded
        if setup.files.mask is not None:  # before that, rather than as the failure of every file
            reader.read("glmha_cli.io.measurements.read:read_mask", setup.files.mask)
        restorer = setup.loader.load(setup.weights, say=say)
        device = restorer.engine.device
        side_by_side = num_side_by_side(setup.sizes, device=device)
        if side_by_side > 1 and device != "cpu":
            restorer.engine = Gathered(restorer.engine)
        worker = Worker(
            reader=reader,
            own=OwnRestorer(restorer),
            weights=setup.weights,
            files=setup.files,
            keeper=keeper,
            hashes=setup.hashes,
            places=places,
        )
        yield from run_jobs(jobs, worker, side_by_side=side_by_side)
