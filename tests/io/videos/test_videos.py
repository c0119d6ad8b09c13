"""Videos are read frame by frame, upright, and written with the times, colours, codec, sound and tags they had."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from glmha_cli.errors import BadDataError, CannotCreateError, UsageError
from glmha_cli.io.photos.metadata import Kind
from glmha_cli.io.videos import container_of, is_video
from glmha_cli.io.videos.frame import EndOfVideoError
from glmha_cli.io.videos.join import join
from glmha_cli.io.videos.read import _OPEN, OPEN_AT_MOST, read_frame
from glmha_cli.io.videos.write import RestoredFrame, write_video
from tests.io.videos.clips import HEIGHT, TIMES, UNIT, WIDTH, frames_of, pictures, sound_of, times_of, write_clip

av = pytest.importorskip("av", reason="the optional extra `video` is not installed")


def all_frames(path):
    frames = []
    while True:
        try:
            photo, moment = read_frame(path, len(frames))
        except EndOfVideoError:
            return frames
        frames.append(RestoredFrame(pixels=photo.colours, moment=moment))


def copy(source, target, *, provenance="{}", strip_metadata=False, **options):
    joined = partial(join, source, strip_metadata=strip_metadata, provenance=provenance)
    return write_video(target, all_frames(source), joined, **options)


@pytest.fixture
def clip(tmp_path):
    write_clip(tmp_path / "clip.mp4")
    return tmp_path / "clip.mp4"


def test_frames_come_with_their_colours_and_times(clip):
    frames = all_frames(clip)
    assert [frame.moment.time * frame.moment.storage.time_base for frame in frames] == [time * UNIT for time in TIMES]
    for frame, truth in zip(frames, pictures(), strict=True):
        assert np.abs(frame.pixels.astype(int) - truth).mean() < 2
    photo, moment = read_frame(clip, 0)
    assert photo.frames == len(TIMES) and photo.bit_depth == 8
    assert (moment.storage.codec, moment.storage.matrix, moment.storage.range) == ("h264", 1, 1)


@pytest.mark.parametrize("order", [(0, 1, 2), (4, 1, 5), (2, 2, 0)])
def test_any_frame_can_be_asked_for(clip, order):
    wanted = all_frames(clip)
    for index in order:
        photo, moment = read_frame(clip, index)
        np.testing.assert_array_equal(photo.colours, wanted[index].pixels)
        assert moment == wanted[index].moment


def test_few_videos_stay_open(tmp_path):
    for name in "abcd":
        write_clip(tmp_path / f"{name}.mp4", sound=None)
        read_frame(tmp_path / f"{name}.mp4", 0)
    assert len(_OPEN) == OPEN_AT_MOST


def test_the_frame_after_the_last_is_told(clip):
    with pytest.raises(EndOfVideoError, match="6 frames, so there is no frame 6"):
        read_frame(clip, 6)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_frames_of_an_avi_are_shown_one_after_the_other(tmp_path, codec):
    """It has no times of its frames, and those that come before others they are made of are stored behind them."""
    with av.open(str(tmp_path / "clip.avi"), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"bf": "2"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for pixels in 3 * pictures():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    times = [frame.moment.time for frame in all_frames(tmp_path / "clip.avi")]
    assert times == list(range(times[0], times[0] + 18))
    copy(tmp_path / "clip.avi", tmp_path / "out.mkv")
    np.testing.assert_allclose(np.diff(times_of(tmp_path / "out.mkv")), 1 / 25, atol=1e-3)


@pytest.mark.parametrize(("codec", "suffix"), [("libx264rgb", ".mp4"), ("png", ".mov")])
def test_a_video_in_rgb_keeps_its_colours(tmp_path, codec, suffix):
    """As screens are recorded: written as brightness and two colours, of a matrix that is said."""
    source, target = tmp_path / f"clip{suffix}", tmp_path / f"out{suffix}"
    with av.open(str(source), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "rgb24"
        for pixels in pictures():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    copy(source, target)
    for frame, truth in zip(all_frames(target), pictures(), strict=True):
        assert np.abs(frame.pixels.astype(int) - truth).mean() < 4


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_matroska_declares_the_rate_and_not_the_unit_of_time(tmp_path, suffix):
    source, target = tmp_path / f"clip{suffix}", tmp_path / "out.mkv"
    write_clip(source)
    copy(source, target)
    with av.open(str(source)) as before, av.open(str(target)) as after:
        assert float(after.streams.video[0].average_rate) == pytest.approx(
            float(before.streams.video[0].guessed_rate), rel=0.01
        )


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (180, 2), (-90, 3)])
def test_frames_are_upright(tmp_path, degrees, turns):
    """FFmpeg's angle is counter-clockwise, as NumPy's is."""
    write_clip(tmp_path / "turned.mp4", degrees=degrees)
    photo, _ = read_frame(tmp_path / "turned.mp4", 0)
    assert np.abs(photo.colours.astype(int) - np.rot90(pictures()[0], turns)).mean() < 2


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_times_colours_codec_sound_and_tags_are_kept(tmp_path, clip, suffix):
    target = tmp_path / f"out{suffix}"
    assert copy(clip, target, provenance='{"model":"m"}') == []
    offset = times_of(target)[0]  # Matroska has no times below zero, where AAC begins: all is later by as much
    assert times_of(target) == pytest.approx([time * UNIT + offset for time in TIMES], abs=0.001)
    before, after = frames_of(clip)[0], frames_of(target)[0]
    assert after.format.name == before.format.name
    assert (after.colorspace, after.color_range, after.color_primaries) == (1, 1, 1)
    for index, truth in enumerate(pictures()):
        assert np.abs(read_frame(target, index)[0].colours.astype(int) - truth).mean() < 4
    assert [data for _, data in sound_of(target)] == [data for _, data in sound_of(clip)]
    assert [time - offset for time, _ in sound_of(target)] == pytest.approx([t for t, _ in sound_of(clip)], abs=0.001)
    with av.open(str(target)) as container:
        tags = {name.lower(): value for name, value in container.metadata.items()}
    assert tags["comment"] == 'glmha {"model":"m"}'


def test_what_the_owner_wrote_stays_beside_how_it_was_made(tmp_path):
    write_clip(tmp_path / "a.mp4", tags={"title": "Rain", "comment": "at home"})
    copy(tmp_path / "a.mp4", tmp_path / "b.mp4", provenance="{}")
    copy(tmp_path / "a.mp4", tmp_path / "c.mp4", provenance=None, strip_metadata=True)
    with av.open(str(tmp_path / "b.mp4")) as kept, av.open(str(tmp_path / "c.mp4")) as stripped:
        assert kept.metadata["title"] == "Rain" and kept.metadata["comment"] == "at home\nglmha {}"
        assert not {"title", "comment"} & stripped.metadata.keys()


def test_tags_of_streams_are_stripped_but_for_the_language(tmp_path):
    tags = {"title": "our garden", "location": "+48.1374+011.5755/", "language": "deu"}
    write_clip(tmp_path / "a.mkv", of_streams=tags)
    copy(tmp_path / "a.mkv", tmp_path / "b.mkv", provenance=None, strip_metadata=True)
    data = (tmp_path / "b.mkv").read_bytes()
    assert b"garden" not in data and b"48.13" not in data
    with av.open(str(tmp_path / "b.mkv")) as stripped:
        assert [stream.metadata["language"] for stream in stripped.streams] == ["deu", "deu"]


def test_ten_bits_stay_ten_bits(tmp_path):
    write_clip(tmp_path / "deep.mkv", layout="yuv420p10le", deep=True, sound=None)
    photo, _ = read_frame(tmp_path / "deep.mkv", 0)
    assert photo.bit_depth == 16 and photo.colours.dtype == np.uint16
    copy(tmp_path / "deep.mkv", tmp_path / "out.mkv")
    assert frames_of(tmp_path / "out.mkv")[0].format.name == "yuv420p10le"


@pytest.mark.parametrize(
    ("codec", "name", "suffix"),
    [
        ("libx265", "hevc", ".mp4"),
        ("libvpx-vp9", "vp9", ".mkv"),
        ("mpeg4", "mpeg4", ".mp4"),
        ("mjpeg", "mjpeg", ".mov"),
    ],
)
def test_the_codec_stays(tmp_path, codec, name, suffix):
    source, target = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write_clip(source, codec, "yuvj420p" if codec == "mjpeg" else "yuv420p", sound=None)
    assert copy(source, target) == []
    assert read_frame(target, 0)[1].storage.codec == name
    assert np.abs(read_frame(target, 5)[0].colours.astype(int) - read_frame(source, 5)[0].colours).mean() < 4


def test_what_a_container_does_not_hold_is_said(tmp_path, clip):
    notes = copy(clip, tmp_path / "out.webm")
    assert any("written as vp9" in note for note in notes) and any("audio (aac)" in note for note in notes)
    assert len(frames_of(tmp_path / "out.webm")) == len(TIMES)


def test_odd_sides_keep_every_pixel(tmp_path, clip):
    frames = [replace(frame, pixels=frame.pixels[:-1, :-1].copy()) for frame in all_frames(clip)]
    write_video(tmp_path / "odd.mp4", frames, partial(join, clip, strip_metadata=False, provenance=None))
    assert frames_of(tmp_path / "odd.mp4")[0].to_ndarray(format="rgb24").shape == (HEIGHT - 1, WIDTH - 1, 3)


def test_an_output_is_whole_or_absent(tmp_path, clip):
    def breaking_off():
        yield from all_frames(clip)[:3]
        raise BadDataError("enough")

    before = sorted(tmp_path.iterdir())
    with pytest.raises(BadDataError, match="enough"):
        write_video(tmp_path / "out.mp4", breaking_off(), lambda silent, target: [])
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(CannotCreateError, match="exists"):
        copy(clip, clip)


def test_damage_is_told_with_its_frame(tmp_path, clip):
    data = bytearray(clip.read_bytes())
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(BadDataError, match=r"cut\.mp4"):
        all_frames(tmp_path / "cut.mp4")


def test_sound_alone_is_no_video(tmp_path):
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), format="s16", layout="mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(BadDataError, match="only sound"):
        read_frame(tmp_path / "sound.mp4", 0)


def test_large_frames_are_refused_before_they_are_decoded(clip):
    with pytest.raises(BadDataError, match="--max-pixels|above the limit"):
        read_frame(clip, 0, max_pixels=1000)


def test_videos_are_told_by_their_content(tmp_path, clip):
    (tmp_path / "named.mp4").write_bytes(b"no video at all")
    assert is_video(clip) and not is_video(tmp_path / "named.mp4") and not is_video(tmp_path / "absent.mp4")


def test_other_suffixes_are_refused_with_those_there_are(tmp_path):
    with pytest.raises(UsageError, match=r"cannot write a video as '\.gif'") as caught:
        container_of(tmp_path / "a.gif")
    assert ".mkv" in caught.value.hint and ".avi" not in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile other.mp4\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nother.mp4\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    ],
    ids=["a list of files", "a playlist", "an address to listen at"],
)
def test_what_names_other_files_is_no_video(tmp_path, clip, text):
    (tmp_path / "other.mp4").write_bytes(clip.read_bytes())
    (tmp_path / "a.mp4").write_text(text)
    with pytest.raises(BadDataError, match="not a video"):
        read_frame(tmp_path / "a.mp4", 0)


def test_the_sound_that_is_played_by_default_stays_so(tmp_path, clip):
    with av.open(str(clip)) as one, av.open(str(tmp_path / "two.mkv"), "w") as two:
        copies = [two.add_stream_from_template(stream) for stream in (*one.streams, one.streams.audio[0])]
        copies[0].disposition = copies[1].disposition = av.stream.Disposition(0)
        copies[2].disposition = av.stream.Disposition.default
        for packet in one.demux():
            if packet.size:
                packet.stream = copies[packet.stream.index]
                two.mux(packet)
    copy(tmp_path / "two.mkv", tmp_path / "b.mkv")
    with av.open(str(tmp_path / "b.mkv")) as container:
        assert [bool(each.disposition & av.stream.Disposition.default) for each in container.streams.audio] == [0, 1]


def test_light_levels_of_hdr_are_said_to_be_left_out(tmp_path):
    display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    options = {"x265-params": f"log-level=none:hdr10=1:max-cll=1000,400:master-display={display}"}
    write_clip(tmp_path / "a.mp4", "libx265", "yuv420p10le", sound=None, deep=True, options=options)
    assert read_frame(tmp_path / "a.mp4", 0)[0].notes == ("its HDR light levels are left out",)


@pytest.mark.parametrize(
    ("colours", "cicp"),
    [
        ("colorprim=bt2020:transfer=arib-std-b67", [9, 18, 0, 1]),  # HLG, as phones film
        ("colorprim=smpte432:transfer=bt709", [12, 13, 0, 1]),
        ("colorprim=bt709:transfer=bt709", None),
    ],
)
def test_a_frame_as_a_photo_says_its_colours_and_the_shape_of_its_pixels(tmp_path, colours, cicp):
    options = {"x265-params": f"log-level=none:{colours}:sar=3"}  # of H.265, table E.1: 10 to 11
    write_clip(tmp_path / "a.mkv", "libx265", "yuv420p10le", sound=None, deep=True, options=options)
    photo, _ = read_frame(tmp_path / "a.mkv", 0)
    assert [list(extra.body) for extra in photo.metadata.of(Kind.CICP)] == ([cicp] if cicp else [])
    assert photo.metadata.of(Kind.ASPECT)[0].body[:8] == bytes([0, 0, 0, 11, 0, 0, 0, 10])


def test_transparency_beside_the_pictures_is_said_to_be_left_out(tmp_path):
    with av.open(str(tmp_path / "a.webm"), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuva420p"
        stream.metadata["alpha_mode"] = "1"
        pixels = np.dstack([pictures()[0], np.full((HEIGHT, WIDTH), 99, np.uint8)])
        frame = av.VideoFrame.from_ndarray(pixels, format="rgba").reformat(format="yuva420p")
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert read_frame(tmp_path / "a.webm", 0)[0].notes == ("its transparency is left out",)
    copy(tmp_path / "a.webm", tmp_path / "b.webm")
    with av.open(str(tmp_path / "b.webm")) as written:
        assert "alpha_mode" not in {name.lower() for name in written.streams.video[0].metadata}
