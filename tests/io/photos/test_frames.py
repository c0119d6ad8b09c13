"""Pages and frames: read one by one, and written as others read them."""

import io

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageSequence

from glmha_cli.errors import BadDataError, CannotCreateError, UsageError
from glmha_cli.io.photos.frames import Restored, require_frames, write_frames
from glmha_cli.io.photos.read import read_photo
from glmha_cli.io.photos.write import write_photo
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


def with_hidden_picture(frames: int) -> bytes:
    """An animated PNG whose still picture (of 0) is no frame; the frames are of 50, 100 and so on."""
    still, *others = [Image.fromarray(np.full((12, 16, 3), 50 * index, np.uint8)) for index in range(frames + 1)]
    buffer = io.BytesIO()
    still.save(buffer, "PNG", save_all=True, append_images=others, default_image=True, duration=100)
    return buffer.getvalue()


def test_a_still_picture_that_is_no_frame_becomes_none(tmp_path):
    (tmp_path / "a.png").write_bytes(with_hidden_picture(2))
    read = [read_photo(tmp_path / "a.png", frame=index) for index in range(2)]
    assert [(int(photo.colours[0, 0, 0]), photo.frames) for photo in read] == [(50, 2), (100, 2)]
    hidden = "its still picture, which is no frame of the animation, was left out"
    assert [photo.notes for photo in read] == [(hidden,), ()]
    with pytest.raises(BadDataError, match="no frame 2"):
        read_photo(tmp_path / "a.png", frame=2)
    made = (Restored(pixels=photo.pixels, like=photo, provenance=None) for photo in read)
    assert write_frames(tmp_path / "b.png", made, count=2) == []
    assert [int(pixels[0, 0, 0]) for pixels, _ in frames_of(tmp_path / "b.png")] == [50, 100]


def test_an_animation_that_is_written_is_not_said_to_be_left_out(tmp_path):
    (tmp_path / "a.png").write_bytes(animation("PNG"))
    read = [read_photo(tmp_path / "a.png", frame=index) for index in range(COUNT)]
    assert [photo.notes for photo in read] == [()] * COUNT
    made = (Restored(pixels=photo.pixels, like=photo, provenance=None) for photo in read)
    assert write_frames(tmp_path / "b.png", made, count=COUNT) == []
    assert write_photo(tmp_path / "c.png", read[1].pixels, like=read[1]) == ["of its 4 pictures one alone was written"]


def test_an_animation_of_one_frame_behind_a_still_picture_is_said_to_be_left_out(tmp_path):
    (tmp_path / "a.png").write_bytes(with_hidden_picture(1))
    photo = read_photo(tmp_path / "a.png")
    assert photo.notes == ("its animation of less than two frames was left out: its still picture is read",)
    assert not photo.colours.any()


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_frames_of_minutes_are_shown_as_long(tmp_path, suffix):
    buffer = io.BytesIO()
    slides = [Image.fromarray(noise(12, 16, 3, seed=seed)) for seed in range(2)]
    slides[0].save(buffer, "GIF", save_all=True, append_images=slides[1:], duration=[200_000, 70])
    (tmp_path / "a.gif").write_bytes(buffer.getvalue())
    read = [read_photo(tmp_path / "a.gif", frame=index) for index in range(2)]
    restored = (Restored(pixels=photo.pixels, like=photo, provenance=None) for photo in read)
    assert write_frames(tmp_path / f"b{suffix}", restored, count=2) == []
    assert [duration for _, duration in frames_of(tmp_path / f"b{suffix}")] == [200_000, 70]


@pytest.mark.parametrize("options", [{"imagej": True}, {"ome": True, "metadata": {"axes": "ZYX"}}])
def test_one_page_of_many_does_not_claim_the_others(tmp_path, options):
    """As ImageJ and OME describe all pages in the first: readers would take the file for cut."""
    pages = np.stack([noise(12, 16, 1, seed=seed)[..., 0] for seed in range(3)])
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack", **options)
    photo = read_photo(tmp_path / "a.tif", frame=0)
    notes = write_photo(tmp_path / "b.tif", photo.pixels, like=photo, provenance={})
    assert "its description by ImageJ or OME is of all its pages: left out" in notes
    np.testing.assert_array_equal(read_photo(tmp_path / "b.tif").colours[..., 0], pages[0])
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), pages[0])


def test_a_frame_drawn_over_another_keeps_its_transparency(tmp_path):
    """Over nothing it is as it was; over a picture both are seen."""
    glass, wall = np.full((4, 6, 4), (200, 100, 50, 128), np.uint8), np.full((4, 6, 4), (0, 0, 250, 255), np.uint8)
    photos = [Image.fromarray(each) for each in (0 * glass, glass, wall, glass)]
    photos[0].save(tmp_path / "a.png", save_all=True, append_images=photos[1:], blend=1, disposal=[0, 2, 0, 0])
    frames = [read_photo(tmp_path / "a.png", frame=frame) for frame in range(4)]
    seen = [(*frame.colours[1, 1], frame.alpha[1, 1]) for frame in frames]
    assert seen[1:] == [(200, 100, 50, 128), (0, 0, 250, 255), (100, 50, 150, 255)]


@pytest.mark.parametrize("sidecar", ["b.tif.aux.xml", "b.tif.ovr"])
@pytest.mark.parametrize("has_pages", [False, True])
def test_nothing_of_a_replaced_photo_is_shown_instead_of_it(tmp_path, sidecar, has_pages):
    """GDAL's statistics, and QGIS's pyramids."""
    tifffile.imwrite(tmp_path / "a.tif", noise(6, 5, 3), photometric="rgb", metadata=None)
    photo, path = read_photo(tmp_path / "a.tif"), tmp_path / "b.tif"
    (tmp_path / sidecar).write_bytes(b"stale")

    def write(**options) -> None:
        if has_pages:
            write_frames(path, [Restored(pixels=photo.pixels, like=photo, provenance=None)], count=1, **options)
        else:
            write_photo(path, photo.pixels, like=photo, **options)

    with pytest.raises(CannotCreateError, match=sidecar):
        write()
    assert not path.exists()
    write(overwrite=True)
    assert path.exists() and not (tmp_path / sidecar).exists()
