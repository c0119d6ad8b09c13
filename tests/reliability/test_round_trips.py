"""Whatever the picture and its metadata are, they come back, as far as the format promises."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import ImageCms

from glmha_cli.errors import BadDataError
from glmha_cli.io.photos.metadata import Metadata
from glmha_cli.io.photos.read import Photo, read_photo
from glmha_cli.io.photos.write import write_photo
from tests.io.photos.photos import exif, read_bytes

SUFFIXES = (".png", ".tif", ".jpg", ".webp")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
blocks = st.binary(min_size=1, max_size=300)
profiles = st.binary(min_size=12, max_size=12).map(lambda date: SRGB[:24] + date + SRGB[36:])
"""Profiles that colour management reads: the date of creation is any. Others are left out of a file, with a note."""
dpis = st.tuples(st.floats(1, 9000), st.floats(1, 9000))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("round trips")


@settings(max_examples=60)
@given(xmp=blocks, profile=profiles, dpi=dpis, suffix=st.sampled_from(SUFFIXES))
def test_metadata_comes_back_byte_for_byte(folder, xmp, profile, dpi, suffix):
    metadata = Metadata(exif=exif(1)[6:], xmp=xmp, icc_profile=profile, dpi=dpi)
    like = Photo(colours=np.zeros((3, 4, 3), np.uint8), bit_depth=8, metadata=metadata)
    path = folder / f"metadata{suffix}"
    losses = write_photo(path, like.pixels, like=like, overwrite=True)
    assert losses == (["WebP holds no DPI: dropped"] if suffix == ".webp" else []) and not list(folder.glob(".*"))
    read = read_photo(path)
    assert read.notes == () and (read.metadata.xmp, read.metadata.icc_profile) == (xmp, profile)
    assert b"J\xc3\xb6rg" in read.metadata.exif
    if suffix != ".webp":
        assert read.metadata.dpi == pytest.approx(dpi, abs=0.5 if suffix == ".jpg" else 0.02)


@settings(max_examples=40)
@given(
    colour=st.tuples(*[st.integers(0, 255)] * 3),
    alpha=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2)),
    suffix=st.sampled_from([".jpg", ".webp"]),
)
def test_lossy_formats_keep_size_colour_and_webp_its_alpha(folder, colour, alpha, suffix):
    colours = np.broadcast_to(np.uint8(colour), (*alpha.shape, 3))
    like = Photo(colours=colours, bit_depth=8, alpha=alpha)
    path = folder / f"lossy{suffix}"
    losses = write_photo(path, like.pixels, like=like, overwrite=True)
    read = read_photo(path)
    assert read.pixels.shape == colours.shape and np.abs(read.pixels * 255 - colours).max() < 8
    if suffix == ".webp":
        assert losses == []
        assert (read.alpha is None and (alpha == 255).all()) or np.array_equal(read.alpha, alpha)
    else:
        assert read.alpha is None and "alpha" in losses[0]


@settings(max_examples=40)
@given(
    data=st.binary(max_size=600),
    start=st.sampled_from(
        [
            b"",
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff",
            b"II*\0",
            b"MM\0+",
            b"RIFF\x20\0\0\0WEBP",
            b"\0\0\0\x1cftypavif",
            b"GIF89a",
        ]
    ),
)
def test_noise_behind_any_signature_is_refused(folder, data, start):
    with pytest.raises(BadDataError, match="noise"):
        read_bytes(folder / "noise", start + data)
