"""What is drawn on dry crops: in range, repeatable, and there to be seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmha_cli.training.degradations import look_alikes
from glmha_cli.training.degradations.look_alikes import draw_look_alikes

KINDS = ("_lines", "_bars", "_text", "_night_lights")
SIZES = st.tuples(st.integers(1, 80), st.integers(1, 80))


@settings(max_examples=60)
@given(size=SIZES, seed=st.integers(0, 2**32 - 1))
def test_the_result_is_a_photo_repeatable_by_its_seed(size, seed):
    photo = np.random.default_rng(seed).random((*size, 3), dtype=np.float32)
    before = photo.copy()
    drawn = draw_look_alikes(photo, np.random.default_rng(seed))
    assert drawn.shape == photo.shape and drawn.dtype == np.float32
    assert drawn.min() >= -1e-6 and drawn.max() <= 1 + 1e-6
    np.testing.assert_array_equal(drawn, draw_look_alikes(photo, np.random.default_rng(seed)))
    np.testing.assert_array_equal(photo, before)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_changes_a_flat_photo_and_differs_between_seeds(kind):
    grey = np.full((96, 96, 3), 0.4, np.float32)
    drawn = [getattr(look_alikes, kind)(grey, np.random.default_rng(seed)) for seed in range(20)]
    changed = [np.abs(each - grey).max() > 0.05 for each in drawn]
    assert np.mean(changed) > 0.8
    assert len({each.tobytes() for each in drawn}) > 16


def test_lamps_are_bright_in_a_dark_photo():
    grey = np.full((96, 96, 3), 0.6, np.float32)
    for seed in range(10):
        night = look_alikes._night_lights(grey, np.random.default_rng(seed))
        assert np.median(night) < 0.4 and night.max() > 0.4
