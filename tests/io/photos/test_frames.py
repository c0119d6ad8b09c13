"""Pages and frames: read one by one, and written as others read them."""

import io

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageSequence

from glmha_cli.errors import BadDataError, UsageError
from glmha_cli.io.photos.frames import Restored, require_frames, write_frames
from glmha_cli.io.photos.read import read_photo
from tests.io.photos.photos import SRGB, noise

COUNT = 4


def animation(kind: str, *, mode: str = "RGB") -> bytes:
    frames = [Image.fromarray(noise(12, 16, 3, seed=seed)).convert(mode) for seed in range(COUNT)]
    buffer = io.BytesIO()
    lossless = {"lossless": True} if kind == "WEBP" else {}
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], duration=[50, 100, 150, 200], **lossless)
    return buffer.getvalue()


def frames_of(path) -> list[tuple[np.ndarray, float]]:
    with Image.open(path) as image:
        return [(np.asarray(frame.convert("RGB")), frame.info["duration"]) for frame in ImageSequence.Iterator(image)]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_frames_are_read_as_pillow_shows_them(tmp_path, kind):
    path = tmp_path / "a"
    path.write_bytes(animation(kind))
    for index, (pixels, duration) in enumerate(frames_of(path)):
        photo = read_photo(path, frame=index)
        np.testing.assert_array_equal(photo.colours, pixels)
        assert (photo.frames, photo.seconds) == (COUNT, duration / 1000)
    with pytest.raises(BadDataError, match="no frame 4"):
        read_photo(path, frame=COUNT)
    with pytest.raises(BadDataError, match="holds 4 frames"):
        read_photo(path)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
@pytest.mark.parametrize("channels", [3, 4])
def test_an_animation_is_written_as_pillow_reads_it(tmp_path, suffix, channels):
    source, target = tmp_path / "a.gif", tmp_path / f"out{suffix}"
    source.write_bytes(animation("GIF"))
    read = [read_photo(source, frame=index) for index in range(COUNT)]
    pixels = [np.broadcast_to(np.float32(index / 4), (12, 16, 3)) for index in range(COUNT)]
    write_frames(
        target,
        (Restored(pixels=p, like=photo, provenance={"glmha": "x"}) for p, photo in zip(pixels, read, strict=True)),
        count=COUNT,
    )
    with Image.open(target) as image:
        assert image.n_frames == COUNT and image.info.get("loop", 0) == 0
    for (found, duration), wanted, photo in zip(frames_of(target), pixels, read, strict=True):
        assert np.abs(found / 255.0 - wanted).max() < 0.01
        assert duration == pytest.approx(1000 * photo.seconds)
    assert b"glmha" in target.read_bytes()


def test_pages_are_written_as_tifffile_reads_them_each_of_its_own_kind(tmp_path):
    pages = [noise(9, 8, 3, dtype=np.uint16), noise(5, 20), noise(7, 7, 4)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for page in pages:
            alpha = {"extrasamples": ["unassalpha"]} if page.shape[2:] == (4,) else {}
            photometric = "rgb" if page.ndim == 3 else "minisblack"
            tif.write(page, photometric=photometric, iccprofile=SRGB, metadata=None, resolution=(300, 300), **alpha)
    read = [read_photo(tmp_path / "a.tif", frame=index) for index in range(3)]
    assert [photo.frames for photo in read] == [3, 3, 3]
    made = (Restored(pixels=photo.pixels, like=photo, provenance={"glmha": "x"}) for photo in read)
    assert write_frames(tmp_path / "b.tif", made, count=3) == []
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert len(tif.pages) == 3 and tif.pages[0].software.startswith("glmha")
        for page, wanted in zip(tif.pages, pages, strict=True):
            np.testing.assert_array_equal(page.asarray(), wanted)
            assert page.tags[34675].value == SRGB and page.get_resolution("inch") == (300, 300)


def test_a_format_that_holds_one_photo_is_refused_and_times_are_not_lost_in_silence(tmp_path):
    (tmp_path / "a.gif").write_bytes(animation("GIF"))
    frame = read_photo(tmp_path / "a.gif", frame=0)
    with pytest.raises(UsageError, match="holds 4 frames, of which JPEG can hold one") as caught:
        require_frames(tmp_path / "b.jpg", frame)
    assert ".png, .tif, .webp" in caught.value.hint
    assert "no time" in require_frames(tmp_path / "b.tif", frame)[0]
    assert require_frames(tmp_path / "b.png", frame) == []


def test_an_animation_of_16_bit_stays_so(tmp_path):
    (tmp_path / "a.gif").write_bytes(animation("GIF"))
    read = [read_photo(tmp_path / "a.gif", frame=index) for index in range(2)]
    from dataclasses import replace

    deep = [replace(photo, bit_depth=16, alpha=None) for photo in read]
    write_frames(
        tmp_path / "b.png",
        (Restored(pixels=np.full((12, 16, 3), 0.123, np.float32), like=photo, provenance=None) for photo in deep),
        count=2,
    )
    first = imagecodecs.png_decode((tmp_path / "b.png").read_bytes())
    assert first.dtype == np.uint16 and (first == round(0.123 * 65535)).all()


def test_a_still_file_has_one_frame(tmp_path):
    Image.fromarray(noise(5, 6, 3)).save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png", frame=0).frames == 1
    with pytest.raises(BadDataError, match="no frame 1"):
        read_photo(tmp_path / "a.png", frame=1)
