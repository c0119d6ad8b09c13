"""Training on pairs: both halves are cropped alike, a tenth is held out, and pairs that do not match are refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glmha_cli.errors import BadDataError, GlmhaError, NoInputError, UsageError
from glmha_cli.training.data.holdout import divided
from glmha_cli.training.data.pairs import split_pairs
from glmha_cli.training.data.photos import find_photos
from glmha_cli.training.data.samples import Samples
from glmha_cli.training.data.sources import Targets, as_it_is
from glmha_cli.training.recipe import Stage, load_recipe
from tests.training.conftest import smooth_photo
from tests.training.runs import ON_CPU, run_training
from tests.training.test_run import checkpoint, curve

NOTHING = Targets(images=[], make=as_it_is, held_out={})


def write_pairs(folder: Path, count: int, *, names=("input", "target"), first: int = 0) -> Path:
    """Clean photos, and the same at half the brightness."""
    for name in names:
        (folder / name).mkdir(parents=True)
    for seed in range(first, first + count):
        clean = smooth_photo(seed)
        for name, image in zip(names, (clean // 2, clean), strict=True):
            Image.fromarray(image).save(folder / name / f"{seed:03}.png")
    return folder


@pytest.fixture
def pairs(tmp_path) -> Path:
    return write_pairs(tmp_path / "pairs", 12)


def test_a_run_on_pairs_alone_learns_and_resumes(tiny, pairs, tmp_path):
    for steps, resume in ((3, False), (4, True)):
        run_training(tiny, pairs=[pairs], run_dir=tmp_path / "run", steps=steps, resume=resume, **ON_CPU)
    assert checkpoint(tmp_path / "run")["global_step"] == 4
    assert set(curve(tmp_path / "run")[0]) == {"step", "score", "pairs"}


def test_pairs_stand_beside_photos(tiny, pairs, photos, tmp_path):
    run_training(tiny, pairs=[pairs], images=[photos], run_dir=tmp_path / "run", steps=1, **ON_CPU)
    assert set(curve(tmp_path / "run")[0]) == {"step", "score", "pairs", "light", "clean"}


def test_pairs_that_are_trained_on_are_not_validated_on(tiny, pairs, tmp_path):
    with pytest.raises(UsageError, match="are also used for training"):
        run_training(tiny, pairs=[pairs], validate_pairs=[pairs], run_dir=tmp_path / "run", **ON_CPU)


def test_sets_of_one_name_are_all_validated_on(tiny, pairs, tmp_path, monkeypatch):
    folders = [write_pairs(tmp_path / name, 1) for name in ("heavy/test", "light/test")]
    monkeypatch.chdir(folders[1].parent)
    given = {"pairs": [pairs], "run_dir": tmp_path / "run", "steps": 1, **ON_CPU}
    run_training(tiny, validate_pairs=[folders[0], Path("test"), Path()], **given)
    # `light` is a set of the recipe's own.
    assert set(curve(tmp_path / "run")[0]) == {
        "step",
        "score",
        "pairs",
        "test",
        str(folders[1]),
        str(folders[1].parent),
    }
    with pytest.raises(UsageError, match="given twice"):
        run_training(
            tiny, validate_pairs=[folders[0], folders[1], Path("test")], **{**given, "run_dir": tmp_path / "other"}
        )


def test_both_halves_are_cropped_flipped_and_turned_alike(pairs):
    training, _ = split_pairs([pairs])
    samples = Samples(NOTHING, None, training, seed=0)
    seen, stage = set(), Stage(patch_px=12, mosaic=2, batch=1, until=1.0)
    for step in range(20):
        (degraded,), clean = samples[step, 0, stage]
        assert clean.shape == (24, 24, 3) and clean.dtype == np.uint8
        np.testing.assert_array_equal(degraded, clean // 2)
        np.testing.assert_array_equal(clean, samples[step, 0, stage][1])
        seen.add(clean.tobytes())
    assert len(seen) == 20
    (degraded,), clean = samples[0, 0, replace(stage, rows=4)]
    assert degraded.shape == clean.shape == (8, 24, 3)


def test_every_tenth_pair_or_sequence_is_held_out(pairs, tmp_path):
    training, held_out = split_pairs([pairs])
    assert [pair.clean.stem for pair in held_out] == ["000", "010"] and len(training) == 10
    gopro = tmp_path / "gopro"
    for number in range(11):
        write_pairs(gopro / "train" / f"GOPR{number:02}", 2, names=("blur", "sharp"), first=2 * number)
    training, held_out = split_pairs([gopro])
    assert {pair.clean.parts[-3] for pair in held_out} == {"GOPR00", "GOPR10"} and len(training) == 18
    assert {pair.degraded.parent.name for pair in training} == {"blur"}


@pytest.mark.parametrize(
    ("sizes", "held_out"), [([25], 3), ([4], 1), ([12, 9], 3), ([1] * 40, 4), ([3] * 20, 6), ([5, 20, 5, 5], 4)]
)
def test_about_a_tenth_is_held_out_however_the_files_lie(sizes, held_out):
    groups = [[(number, index) for index in range(size)] for number, size in enumerate(sizes)]
    training, kept = divided(groups)
    assert len(kept) == held_out and sorted([*training, *kept]) == [each for group in groups for each in group]
    assert divided(groups[:1])[1] == [each for each in kept if each[0] == 0], "whatever stands behind it"


def test_hidden_files_are_no_photos(pairs):
    for name in ("input/._000.png", "target/._000.png", ".trash/input/9.png", ".trash/target/9.png"):
        (pairs / name).parent.mkdir(parents=True, exist_ok=True)
        (pairs / name).write_bytes(b"resource fork")
    training, held_out = split_pairs([pairs])
    assert len(training) + len(held_out) == 12
    assert {path.name for part in find_photos([pairs]) for path in part} == {f"{seed:03}.png" for seed in range(12)}


def refused(error: type[GlmhaError], match: str, recipe, place: Path, run_dir: Path) -> None:
    with pytest.raises(error, match=match) as caught:
        run_training(recipe, pairs=[place], run_dir=run_dir, **ON_CPU)
    assert caught.value.hint and not run_dir.exists()


def test_what_cannot_be_trained_on_is_refused_before_any_work(tiny, pairs, tmp_path):
    run = tmp_path / "run"
    refused(NoInputError, "no folder", tiny, tmp_path / "missing", run)
    refused(NoInputError, "no pairs", tiny, pairs / "input", run)
    refused(NoInputError, "too few pairs", tiny, write_pairs(tmp_path / "one", 1), run)
    wide = replace(tiny.schedule, stages=(replace(tiny.schedule.stages[0], patch_px=64),))
    refused(BadDataError, "smaller than the crop of 64 px", replace(tiny, schedule=wide), pairs, run)
    refused(UsageError, "cannot use pairs", load_recipe("sci-lite"), pairs, run)
    for name in ("input", "target"):
        Image.fromarray(np.zeros((40, 48), np.uint16)).save(pairs / name / "005.png")
    refused(BadDataError, "005.png' is a grayscale photo of more than 8 bits", tiny, pairs, run)
    Image.new("RGB", (48, 40)).save(pairs / "input" / "005.png")
    Image.new("RGB", (48, 41)).save(pairs / "target" / "005.png")
    refused(BadDataError, "'005' differ in size", tiny, pairs, run)
    (pairs / "target" / "005.png").write_bytes(b"no picture")
    refused(BadDataError, "cannot read", tiny, pairs, run)
    (pairs / "target" / "005.png").unlink()
    refused(BadDataError, "no partner: '005'", tiny, pairs, run)
    for name in ("005.png", "005.jpg"):
        Image.new("RGB", (48, 40)).save(pairs / "target" / name)
    refused(BadDataError, "have the same stem", tiny, pairs, run)
