"""Threads that share an engine: what they ask for at the same time is computed at once, and comes back to each."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from glmha_cli.errors import BadDataError
from glmha_cli.inference.engine import EngineOptions, open_engine
from glmha_cli.inference.engine_choice import num_side_by_side
from glmha_cli.inference.gathered import Gathered
from glmha_cli.inference.restorer import Restorer
from glmha_cli.tasks.derain import DERAIN


class Slow:
    """Doubles its input, a batch at a time; notes how many tiles came together. The value 13 is too much for it."""

    size_multiple, stretch_input, device, precision = 1, False, "cuda", "fp32"

    def __init__(self):
        self.sizes, self.alone = [], threading.Lock()

    def run_batches(self, batches):
        for (batch,) in batches:
            assert self.alone.acquire(blocking=False), "two threads in the engine at once"
            self.sizes.append(len(batch))
            time.sleep(0.05)
            self.alone.release()
            if (batch == 13).any():
                raise BadDataError("thirteen")
            yield 2 * batch

    def room_px(self):
        return None


def asked(engine, value, side=4):
    (output,) = engine.run_batches([(np.full((1, side, side, 3), value, np.float32),)])
    return output


def test_what_waits_goes_together_and_each_gets_its_own():
    slow = Slow()
    engine = Gathered(slow)
    with ThreadPoolExecutor(8) as threads:
        outputs = list(threads.map(lambda value: asked(engine, value), range(8)))
    assert [set(output.ravel()) for output in outputs] == [{2.0 * value} for value in range(8)]
    assert sum(slow.sizes) == 8 and len(slow.sizes) <= 4 and max(slow.sizes) >= 4
    assert engine.run(np.ones((4, 4, 3), np.float32)).shape == (4, 4, 3) and engine.device == "cuda"


def test_images_of_other_sizes_do_not_mix():
    slow = Slow()
    engine = Gathered(slow)
    with ThreadPoolExecutor(8) as threads:
        outputs = list(threads.map(lambda value: asked(engine, value, side=4 + value % 2), range(8)))
    assert [output.shape[1] for output in outputs] == [4, 5] * 4 and len(slow.sizes) >= 2


def test_a_failure_costs_one_image_alone():
    slow = Slow()
    engine = Gathered(slow)
    with ThreadPoolExecutor(8) as threads:
        futures = [threads.submit(asked, engine, value) for value in range(10, 17)]
    failed = [future.exception() for future in futures]
    assert [isinstance(each, BadDataError) for each in failed] == [value == 13 for value in range(10, 17)]
    assert max(slow.sizes) > 1


@pytest.mark.parametrize(
    ("device", "side", "several"), [("cuda", 160, True), ("cuda", 600, False), ("mps", 160, False)]
)
def test_small_photos_are_gathered_on_gpus(device, side, several):
    assert (num_side_by_side([(side, side)], device=device) > 1) == several


def test_photos_come_out_as_alone(tiny_model):
    rng = np.random.default_rng(0)
    photos = [rng.random((40, 48, 3), np.float32) for _ in range(6)]
    engine = open_engine(tiny_model, EngineOptions(engine="torch", device="cpu", precision="fp32"))
    alone = [Restorer(task=DERAIN, engine=engine).restore(photo) for photo in photos]
    together = Restorer(task=DERAIN, engine=Gathered(engine))
    with ThreadPoolExecutor(3) as threads:
        for wanted, found in zip(alone, threads.map(together.restore, photos), strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-5)
