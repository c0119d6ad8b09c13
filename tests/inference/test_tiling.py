"""Tiles: an identity network gives the input back, weights add up to one, seams cannot be seen."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmha_cli.errors import UsageError
from glmha_cli.inference.memory import smaller
from glmha_cli.inference.tiled import run_tiled
from glmha_cli.inference.tiling import Tiling, count_tiles, grid, spans


def one_by_one(run):
    return lambda batches: (run(*(array[0] for array in inputs))[None] for inputs in batches)


def tiled(run, inputs, *, batches=False, **options):
    """All rows of `run` on the tiles of whole `inputs`."""
    height, width = inputs[0].shape[:2]
    strips = run_tiled(
        run if batches else one_by_one(run),
        lambda start, stop: tuple(array[start:stop] for array in inputs),
        (height, width),
        **options,
    )
    return np.concatenate(list(strips))


@st.composite
def tilings(draw):
    tile = draw(st.integers(16, 70))
    return Tiling(
        tile_px=tile,
        overlap_px=draw(st.integers(0, tile // 2)),
        slack_px=draw(st.sampled_from([0, 0, 8])),
        whole_rows=draw(st.booleans()),
    )


@given(length=st.integers(1, 400), tiling=tilings())
def test_weights_add_up_to_one_and_tiles_cover_all(length, tiling):
    total = np.zeros(length)
    for span in spans(length, tiling):
        assert 0 <= span.start < span.stop <= length
        assert min(length, tiling.tile_px) <= span.stop - span.start <= tiling.tile_px + tiling.slack_px
        assert tiling.slack_px or span.stop - span.start == min(length, tiling.tile_px)
        total[span.start : span.stop] += span.weight
    np.testing.assert_allclose(total, 1, atol=1e-6)


@given(length=st.integers(1, 400), tiling=tilings())
def test_neighbours_share_at_least_the_overlap(length, tiling):
    tiles = spans(length, tiling)
    for before, after in pairwise(tiles):
        assert before.stop - after.start >= tiling.overlap_px


@given(
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    tiling=tilings(),
    multiple=st.sampled_from([1, 4, 8, 16]),
    seed=st.integers(0, 99),
)
def test_identity_network_gives_the_input_back(height, width, tiling, multiple, seed):
    image = np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)
    sizes = set()

    def identity(tile):
        sizes.add(tile.shape[:2])
        return tile.copy()

    result = tiled(identity, (image,), tiling=tiling, multiple=multiple)
    np.testing.assert_allclose(result, image, atol=1e-6)
    assert len(sizes) == 1, "one size of tile, so that one compiled network serves all"
    assert all(side % multiple == 0 for side in sizes.pop())


def test_slack_saves_a_row_and_a_column_of_tiles():
    assert count_tiles(512, 512, Tiling(slack_px=32)) == 4 and count_tiles(512, 512, Tiling()) == 9
    assert [span.stop - span.start for span in spans(512, Tiling(slack_px=32))] == [272, 272]
    assert count_tiles(288, 100, Tiling(slack_px=32)) == 1
    assert str(Tiling(slack_px=32)) == "256-288/32"


@pytest.mark.parametrize(("size", "rows"), [((300, 400), 163), ((60, 400), 60), ((300, 4000), 32)])
def test_tiles_of_whole_rows_have_the_pixels_of_square_ones(size, rows):
    tiling = Tiling(tile_px=256, whole_rows=True)
    strips, (column,) = grid(size, tiling)
    assert {strip.stop - strip.start for strip in strips} == {rows} and (column.start, column.stop) == (0, size[1])
    assert count_tiles(*size, tiling) == len(strips) and str(tiling) == "256/32 as whole rows"
    assert count_tiles(288, 288, Tiling(slack_px=32, whole_rows=True)) == 1


@pytest.mark.parametrize("tile", ["auto", "whole", "512"])
def test_tiles_that_become_smaller_for_want_of_memory_are_whole_rows_still(tile):
    less, _ = smaller(Tiling.parse(tile, whole_rows=True), 1, 512, "no memory")
    rows, columns = grid((512, 600), less)
    assert len(rows) > 1 and len(columns) == 1


def test_a_wider_second_input_gives_each_tile_its_own_columns():
    """Column x of a shifted mask with w + extra columns belongs to the tile from x on."""
    image = np.zeros((40, 90, 1), np.float32)
    wide = np.broadcast_to(np.arange(90 + 6, dtype=np.float32)[None, :, None], (40, 96, 1))
    result = tiled(
        lambda tile, extra: extra[:, 6:] - 6, (image, wide), tiling=Tiling(tile_px=32, overlap_px=8), multiple=1
    )
    np.testing.assert_allclose(result[..., 0], np.broadcast_to(np.arange(90), (40, 90)), atol=1e-4)


def test_no_seams_where_tiles_disagree():
    """Every tile shifts its brightness by its own amount, as tile statistics do; the blend must hide it."""
    image = np.full((300, 300, 1), 0.5, np.float32)
    tiling = Tiling(tile_px=100, overlap_px=32)
    offsets = iter(np.random.default_rng(0).normal(0, 0.02, count_tiles(300, 300, tiling)))
    result = tiled(lambda tile: tile + np.float32(next(offsets)), (image,), tiling=tiling, multiple=1)[..., 0]
    steps = np.abs(np.diff(result, axis=1)).max()
    assert steps < 0.01, f"a step of {steps:.4f} between neighbouring pixels shows as a line"


def test_progress_counts_every_tile():
    calls = []
    image = np.zeros((100, 100, 3), np.float32)
    tiling = Tiling(tile_px=40, overlap_px=8)
    tiled(lambda tile: tile, (image,), tiling=tiling, multiple=1, on_tile=lambda: calls.append(1))
    assert len(calls) == count_tiles(100, 100, tiling) == 9


@given(
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    tiling=tilings(),
    batch=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_parts_of_rows_make_exactly_the_sum_of_all_tiles(height, width, tiling, batch, seed):
    """Bit for bit what adding all weighted tiles to a whole image gives, whatever comes in one batch."""
    image = np.random.default_rng(seed).random((height, width, 2), dtype=np.float32)

    def network(tile):
        return tile * tile.max(axis=(-3, -2), keepdims=True)  # not the mean, whose rounding depends on strides

    expected = np.zeros_like(image)
    rows, columns = grid((height, width), tiling)
    for row in rows:
        for column in columns:
            place = slice(row.start, row.stop), slice(column.start, column.stop)
            expected[place] += network(image[place]) * (row.weight[:, None, None] * column.weight[:, None])
    sizes = []

    def run(batches):
        for (tiles,) in batches:
            sizes.append(len(tiles))
            yield np.stack([network(tile) for tile in tiles])

    result = tiled(run, (image,), batches=True, tiling=tiling, batch=batch, multiple=1)
    np.testing.assert_array_equal(result, expected)
    assert max(sizes) <= batch and sum(sizes) == count_tiles(height, width, tiling)


@pytest.mark.parametrize(("tile", "overlap"), [(8, 0), (64, 33), (64, -1)])
def test_impossible_tilings_say_what_to_type(tile, overlap):
    with pytest.raises(UsageError) as error:
        Tiling(tile_px=tile, overlap_px=overlap)
    assert "--" in error.value.hint


@pytest.mark.parametrize(
    ("tile", "overlap", "expected"),
    [
        ("auto", None, Tiling(tile_px=256, overlap_px=32, slack_px=32)),
        ("whole", 8, Tiling(tile_px=None)),
        ("128", None, Tiling(tile_px=128)),
        (40, None, Tiling(tile_px=40, overlap_px=20)),
        (40, 4, Tiling(tile_px=40, overlap_px=4)),
    ],
)
def test_a_tiling_is_parsed(tile, overlap, expected):
    tiling = Tiling.parse(tile, overlap)
    assert tiling == expected and tiling.may_shrink == (tile == "auto")


@pytest.mark.parametrize(
    ("tile", "overlap"),
    [("all", None), ("-1", None), ("²", None), (True, None), (25.6, None), (8, None), (64, 33), (64, "8")],
)
def test_what_is_no_tiling_is_refused(tile, overlap):
    with pytest.raises(UsageError):
        Tiling.parse(tile, overlap)
