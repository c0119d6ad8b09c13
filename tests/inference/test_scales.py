"""Working scales: corrections are computed on reduced photos and added to the photo, strip after strip."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from glmha_cli.errors import UsageError
from glmha_cli.inference.restorer import Restorer
from glmha_cli.inference.scale_choice import choose
from glmha_cli.inference.scales import (
    ROWS_AT_ONCE,
    RowWindow,
    Scales,
    corrected,
    enlarged,
    kept_rows,
    reduced,
    reduced_size,
)
from glmha_cli.inference.tiling import Tiling
from glmha_cli.tasks.derain import DERAIN
from tests.inference.engines import Identity


def photo(height, width, seed=0):
    return np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)


def in_strips(picture, rows):
    return (picture[start : start + rows] for start in range(0, len(picture), rows))


def halving(read, size, rows=5):
    """A network that makes everything half as bright, a few rows at a time."""
    return (0.5 * read(start, min(start + rows, size[0])) for start in range(0, size[0], rows))


@pytest.mark.parametrize(
    ("text", "factors"), [("auto", None), ("1", (1,)), ("1/4", (4,)), ("1/4,1/2,1", (4, 2, 1)), ("1/8, 1", (8, 1))]
)
def test_scales_are_read_and_shown(text, factors):
    scales = Scales.parse(text)
    assert scales.factors == factors
    assert Scales.parse(str(scales)) == scales


@pytest.mark.parametrize("text", ["", "2", "1/0", "1/32", "1,1/2", "1/2,1/2", "1/x", "0.5", "1/²", "whole"])
def test_other_words_are_refused_with_what_to_type(text):
    with pytest.raises(UsageError, match="--scale takes auto"):
        Scales.parse(text)


def test_reducing_takes_means_and_repeats_the_border():
    picture = np.arange(15, dtype=np.float32).reshape(3, 5, 1)
    small = reduced(picture, 2)
    assert small[..., 0].tolist() == [[3.0, 5.0, 6.5], [10.5, 12.5, 14.0]]
    assert small.shape[:2] == reduced_size((3, 5), 2)


@settings(max_examples=25)
@given(st.integers(1, 40), st.integers(1, 30), st.sampled_from([1, 2, 3, 4, 8]), st.integers(1, 12))
def test_enlarging_strips_is_enlarging_the_whole(height, width, factor, rows):
    small = photo(*reduced_size((height, width), factor))
    whole = np.stack(
        [
            Image.fromarray(np.ascontiguousarray(small[..., c])).resize(
                (small.shape[1] * factor, small.shape[0] * factor), Image.Resampling.BICUBIC
            )
            for c in range(3)
        ],
        axis=-1,
    )[:height, :width]
    joined = np.concatenate(list(enlarged(in_strips(small, rows), factor, (height, width))))
    np.testing.assert_allclose(joined, whole, atol=2e-6)  # the same sums of float32 in another order


@settings(max_examples=20)
@given(st.integers(1, 60), st.integers(1, 20), st.lists(st.sampled_from([1, 2, 3, 4]), min_size=1, max_size=3))
def test_chains_of_scales_stream_and_reach_every_row(height, width, factors):
    """A network that changes nothing gives the photo back; what is read again is still held."""
    picture = photo(height, width)

    def same(read, size):
        return (read(start, min(start + 7, size[0])) for start in range(0, size[0], 7))

    strips = in_strips(picture, 11)
    for factor in factors:
        strips = corrected(RowWindow(strips, kept_rows(factor)), (height, width), factor, same)
    np.testing.assert_allclose(np.concatenate(list(strips)), picture, atol=1e-6)


@pytest.mark.parametrize("scale", ["1/2,1", "1/4,1", "1/4,1/2"])
@pytest.mark.parametrize("tile_px", [256, 600, None])
@pytest.mark.parametrize("height", [520, 3000])
def test_scales_follow_each_other_in_tiles_of_any_height(scale, tile_px, height):
    """Rows of a tile that are read in parts are all still there when its correction is added."""
    picture = photo(height, 4)
    same = Restorer(task=DERAIN, engine=Identity(), tiling=Tiling(tile_px=tile_px), scales=Scales.parse(scale))
    np.testing.assert_allclose(same.restore(picture), picture, atol=1e-6)


def test_a_correction_is_added_and_detail_stays():
    picture = photo(64, 64)
    rows = np.concatenate(list(corrected(lambda a, b: picture[a:b], (64, 64), 4, halving)))
    small = reduced(picture, 4)
    change = np.concatenate(list(enlarged([-0.5 * small], 4, (64, 64))))
    np.testing.assert_allclose(rows, (picture + change).clip(0, 1), atol=1e-6)


class Stripes(Identity):
    """Removes stripes of about two pixels, and less of wider and of thinner ones."""

    def _give_back(self, tiles):
        thin = sum(np.roll(tiles, shift, axis=2) for shift in (0, 1)) / 2
        wide = sum(np.roll(tiles, shift, axis=2) for shift in range(-2, 4)) / 6
        return tiles - 0.5 * (thin - wide)


def test_strips_of_reduced_photos_are_enlarged_a_few_rows_at_a_time():
    """A strip of tiles of a photo reduced by 8 is 2000 rows of the photo, which nobody has to hold."""
    picture, asked = photo(2000, 16), []

    def read(start, stop):
        asked.append(stop - start)
        return picture[start:stop]

    strips = list(corrected(read, picture.shape[:2], 8, lambda read, size: halving(read, size, rows=250)))
    assert max(*asked, *map(len, strips)) <= ROWS_AT_ONCE + kept_rows(8)
    whole = enlarged([-0.5 * reduced(picture, 8)], 8, picture.shape[:2])
    np.testing.assert_allclose(np.concatenate(strips), (picture + np.concatenate(list(whole))).clip(0, 1), atol=1e-6)


def striped(factor, size=800):
    """Gray with stripes of 2 pixels every 12, enlarged."""
    columns = (np.arange(size) // factor % 12 < 2).astype(np.float32)
    return np.repeat((0.4 + 0.3 * columns)[None, :, None], size, axis=0).repeat(3, axis=2)


def restorer(**changes):
    return Restorer(task=DERAIN, engine=Stripes(), tiling=Tiling(tile_px=64, overlap_px=16), **changes)


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_auto_finds_the_scale_of_what_is_removed(factor):
    worker = restorer(scales=Scales.parse("auto"))
    worker.restore(striped(factor))
    assert worker.scale.split(",")[0] == ("1" if factor == 1 else f"1/{factor}")


def test_auto_leaves_a_photo_that_is_well_at_its_scale():
    worker = restorer(scales=Scales.parse("auto"))
    flat = np.full((500, 700, 3), 0.5, np.float32)
    np.testing.assert_allclose(worker.restore(flat), flat, atol=1e-6)
    assert worker.scale == "1"


def test_a_task_that_has_one_scale_is_never_reduced():
    worker = restorer(scales=Scales.parse("1/4"))
    worker.task = replace(DERAIN, any_scale=False)
    worker.restore(striped(1, 100))
    assert worker.scale == "1"


def lines_every(period, thickness, size=800):
    columns = (np.arange(size) % period < thickness).astype(np.float32)
    return np.repeat((0.4 + 0.3 * columns)[None, :, None], size, axis=0).repeat(3, axis=2)


def flattening(picture):
    """Without lines, and where they are faint with dark ones in their place."""
    overdone = 1.0 if np.ptp(picture) > 0.2 else 1.3
    return picture - overdone * (picture - picture.min())


def chosen(picture, network):
    def read(top, bottom, left, right):
        return picture[top:bottom, left:right]

    return choose(read, picture.shape[:2], network, overlaid=True)


def test_a_finer_scale_that_leaves_nothing_comes_before_a_coarser_one_that_changes_more():
    """Networks may change more of small pictures than there is to be changed; that is no reason to go there."""
    assert chosen(lines_every(16, 1), lambda read, size: iter([flattening(read(0, size[0]))])) == (1,)


def test_of_wide_rain_the_coarser_scale_comes_first_though_the_finer_one_removes_it_too():
    assert chosen(lines_every(32, 8), lambda read, size: iter([flattening(read(0, size[0]))]))[0] > 1


def test_a_coarser_scale_that_finds_nearly_as_much_comes_before_a_finer_one_that_leaves_it():
    """Thin lines on wide ones: the network that is asked here takes the thin ones alone at the photo's own size."""
    picture = lines_every(40, 16, size=1000)
    picture[::2] -= 0.25  # of which reduced photos show nothing

    def network(read, size):
        rows = read(0, size[0])
        fine = np.abs(np.diff(rows[:, :, 0], axis=0)).mean() > 0.1
        yield np.repeat(rows.mean(0, keepdims=True), size[0], axis=0) if fine else rows * 0 + rows.mean()

    assert chosen(picture, network)[0] > 1


@pytest.mark.parametrize("size", [(400, 600), (800, 1200), (1600, 2400)])
def test_finding_the_scale_costs_a_fraction_of_the_photo(size):
    """Where all scales change as much, too."""
    computed = 0

    def network(read, size):
        nonlocal computed
        computed += size[0] * size[1]
        yield 0.5 * read(0, size[0])

    picture = photo(*size)
    assert choose(lambda a, b, c, d: picture[a:b, c:d], size, network, overlaid=True)
    assert computed <= 0.4 * size[0] * size[1]


def test_small_photos_are_not_probed():
    def never(read, size):
        raise AssertionError

    assert choose(lambda *window: np.zeros((1, 1, 3)), (150, 900), never) == (1,)


def test_progress_counts_the_tiles_of_all_scales():
    seen = []
    restorer(scales=Scales.parse("1/2,1")).restore(
        striped(1, 128), on_tile=lambda done, total: seen.append((done, total))
    )
    assert seen[0][0] == 0
    assert seen[-1][0] == seen[-1][1] == len(seen) - 1


class Disagreeing(Identity):
    """Each tile shifts its brightness by its own amount, as the statistics of tiles do."""

    def __post_init__(self):
        self.offsets = np.random.default_rng(0)

    def run_batches(self, batches):
        return (tiles + np.float32(self.offsets.normal(0, 0.02)) for (tiles,) in batches)


@pytest.mark.parametrize("scale", ["1/2", "1/4", "1/4,1"])
def test_no_seams_where_tiles_disagree(scale):
    worker = Restorer(task=DERAIN, engine=Disagreeing(), tiling=Tiling(tile_px=100, overlap_px=32))
    worker.scales = Scales.parse(scale)
    result = worker.restore(np.full((600, 700, 3), 0.5, np.float32))
    for axis in (0, 1):
        steps = np.abs(np.diff(result, axis=axis)).max()
        assert steps < 0.01, f"a step of {steps:.4f} between neighbouring pixels shows as a line"
