"""What the released networks compute: data/ holds parameter names, cases and float64 outputs.

Parameters and inputs are not stored: their values follow from names and seeds.
"""

import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

DATA = Path(__file__).parent / "data"


def parameter(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """float32 values for the parameter that the released checkpoint calls `name`; the same everywhere."""
    values = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    if len(shape) >= 2 and not name.endswith(("temperature", "rescale")):
        values = values / np.sqrt(np.prod(shape[1:]))
    elif name.endswith(("weight", "temperature", "rescale")):
        values = 1 + 0.1 * values
    else:
        values = 0.1 * values
    return values.astype(np.float32)


@pytest.fixture(scope="session")
def cases() -> dict[str, dict]:
    return json.loads((DATA / "cases.json").read_text())


@pytest.fixture(scope="session")
def outputs() -> dict[str, np.ndarray]:
    return dict(np.load(DATA / "outputs.npz"))


@pytest.fixture(scope="session")
def upstream_state() -> Callable[[str], dict[str, np.ndarray]]:
    """Case -> a state dict as its released checkpoint has it."""
    keys = json.loads((DATA / "upstream_keys.json").read_text())
    return lambda case: {name: parameter(name, tuple(shape)) for name, shape in keys[case].items()}


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """These tensors are small: on a busy machine threads would mostly wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
