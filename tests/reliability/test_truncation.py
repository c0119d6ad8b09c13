"""Files that were cut: refused, unless all of the picture is still there. No decoder's grey, zeros or first half."""

from pathlib import Path

import numpy as np
import pytest

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.cube import read_cube
from glmha_cli.io.photos.read import read_photo
from tests.reliability.corpus import Sample, samples

WHOLE = {name: sample for name, sample in samples().items() if "sealed" not in name}


def values(sample: Sample, data: bytes, folder: Path, kind: str) -> np.ndarray:
    for name, content in sample.beside:
        (folder / name).write_bytes(content)
    path = folder / sample.name
    path.write_bytes(data)
    if kind == "cube":
        return read_cube(path).values
    photo = read_photo(path)
    return np.dstack([photo.pixels] if photo.alpha is None else [photo.pixels, photo.alpha])


@pytest.mark.parametrize("name", WHOLE)
def test_a_cut_file_is_refused_or_has_lost_nothing(tmp_path, name):
    sample, kind = WHOLE[name], name.split()[0]
    whole = values(sample, sample.data, tmp_path, kind)
    size, few = len(sample.data), name.endswith(".heic")  # each of those takes a process
    inside = np.linspace(10, size - 9, 4 if few else 24, dtype=int).tolist()
    cuts = {0, size // 2, size - 1} if few else {0, 1, 2, 3, 8, 9, *range(size - 8, size)}
    refused = 0
    for cut in sorted({*cuts, *inside}):
        try:
            left = values(sample, sample.data[:cut], tmp_path, kind)
        except BadDataError as error:
            assert sample.name in error.message and "\n" not in error.message
            refused += 1
        else:
            np.testing.assert_array_equal(left, whole, err_msg=f"{cut} of {size} bytes")
    assert refused >= len(inside)
