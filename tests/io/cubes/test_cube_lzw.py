"""LZW cubes: read exactly, and damage is an error instead of a crash of the process."""

import numpy as np
import pytest
import tifffile

from glmha_cli.errors import BadDataError
from glmha_cli.io.cubes.cube import read_cube

VALUES = np.random.default_rng(0).random((8, 12, 9), dtype=np.float32)


@pytest.mark.parametrize("predictor", [None, 3])
def test_lzw_is_read_exactly(tmp_path, predictor):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        VALUES,
        photometric="minisblack",
        planarconfig="separate",
        compression="lzw",
        predictor=predictor,
        metadata=None,
    )
    np.testing.assert_array_equal(read_cube(path).values, VALUES.transpose(1, 2, 0))


def test_a_damaged_strip_is_bad_data(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, VALUES, photometric="minisblack", planarconfig="separate", compression="lzw", metadata=None)
    with tifffile.TiffFile(path) as tif:
        start = tif.pages[0].dataoffsets[0]
    data = bytearray(path.read_bytes())
    data[start + 1] = 0x7D  # the first code after the reset points into the empty table
    path.write_bytes(data)
    with pytest.raises(BadDataError):
        read_cube(path)
