"""A run can be killed or stopped at any step and goes on to the same weights; what cannot work is refused at once."""

import csv
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from glmha_cli.cli.options import TrainOptions
from glmha_cli.cli.train import train_verb
from glmha_cli.errors import BadDataError, CannotCreateError, GlmhaError, NoInputError, UsageError
from glmha_cli.io.cubes.cube import Cube, write_cube
from glmha_cli.networks.restormer import Restormer
from glmha_cli.physics.wavelengths import RGB2HSI_NM
from glmha_cli.training import run
from glmha_cli.training.callbacks import Stop
from glmha_cli.training.module import Restoration
from glmha_cli.training.recipe import load_recipe, recipe_names
from glmha_cli.training.settings import Silent
from glmha_cli.weights.about import read_about
from tests.training.conftest import TINY, smooth_photo, smooth_reflectances
from tests.training.runs import ON_CPU, run_training

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
SMALL_SCI = """
task = "sci"
loss = "rmse"
network = { name = "mst", num_blocks = [1, 1] }
degradation = { name = "snapshot" }
schedule = { steps = 9, learning_rate = 1e-3, stages = [{ patch_px = 32, batch = 1, until = 1.0 }] }
"""


def curve(run_dir):
    """Rows of the curve; the time they took may differ."""
    with (run_dir / "curve.csv").open() as file:
        return [{key: value for key, value in row.items() if key != "minutes"} for row in csv.DictReader(file)]


def checkpoint(run_dir):
    return torch.load(run_dir / "last.ckpt", weights_only=True)


def assert_same_weights(run_a, run_b):
    a, b = checkpoint(run_a), checkpoint(run_b)
    assert a["global_step"] == b["global_step"]
    for part in ("state_dict", "current_model_state"):  # the averaged weights, and those that are trained
        assert a[part].keys() == b[part].keys()
        for name, tensor in a[part].items():
            assert torch.equal(tensor, b[part][name]), name


@pytest.fixture
def whole(tiny, photos, tmp_path):
    """The tiny recipe run in one go."""
    run_training(tiny, images=[photos], run_dir=tmp_path / "whole", **ON_CPU)
    return tmp_path / "whole"


def test_a_killed_run_resumes_to_the_same_weights_and_curve(whole, tiny, photos, tmp_path, monkeypatch):
    run_dir = tmp_path / "killed"
    step = Restoration.training_step

    def die_in_step_4(module, *arguments):
        if module.global_step == 4:
            raise MemoryError
        return step(module, *arguments)

    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        patched.setattr(Restoration, "training_step", die_in_step_4)
        run_training(tiny, images=[photos], run_dir=run_dir, **ON_CPU)
    assert checkpoint(run_dir)["global_step"] == 3  # of the last validation
    run_training(tiny, images=[photos], run_dir=run_dir, resume=True, **ON_CPU)
    assert_same_weights(whole, run_dir)
    assert curve(run_dir) == curve(whole)
    assert [row["step"] for row in curve(whole)] == ["3", "6"]


def test_the_time_limit_leaves_a_checkpoint_that_resumes_to_the_same_weights(whole, tiny, photos, tmp_path):
    run_dir = tmp_path / "limited"
    run_training(tiny, images=[photos], run_dir=run_dir, max_minutes=0, **ON_CPU)
    assert checkpoint(run_dir)["global_step"] == 1
    assert (run_dir / "best.safetensors").is_file()
    run_training(tiny, images=[photos], run_dir=run_dir, max_minutes=0, resume=True, **ON_CPU)
    assert checkpoint(run_dir)["global_step"] == 2
    run_training(tiny, images=[photos], run_dir=run_dir, resume=True, **ON_CPU)
    assert_same_weights(whole, run_dir)
    assert curve(run_dir)[-1] == curve(whole)[-1]


def test_the_time_limit_counts_the_reading_of_the_data(tiny, photos, tmp_path, monkeypatch):
    given, prepare = [], run.prepare_data

    def slow(*arguments, **options):
        time.sleep(0.6)
        return prepare(*arguments, **options)

    monkeypatch.setattr(run, "prepare_data", slow)
    monkeypatch.setattr(run, "Stop", lambda minutes, warn: given.append(minutes) or Stop(0))
    run_training(tiny, images=[photos], run_dir=tmp_path / "run", max_minutes=60, **ON_CPU)
    assert 50 < given[0] < 60 - 0.6 / 60


def test_a_shutdown_of_all_its_processes_leaves_a_checkpoint_too(tiny, photos, tmp_path):
    """As when a terminal or a session ends: its data workers must outlive the signal."""
    (tmp_path / "tiny.toml").write_text(
        TINY.replace("steps = 6", "steps = 100000").replace("validate_every = 3", "validate_every = 50")
    )
    command = [
        sys.executable,
        "-m",
        "glmha_cli",
        "train",
        tmp_path / "tiny.toml",
        "--images",
        photos,
        "--run-dir",
        tmp_path / "run",
        "--device",
        "cpu",
        "--precision",
        "32-true",
        "--workers",
        "1",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert next(line for line in process.stderr if line.startswith("step 50,"))
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143 and "with a checkpoint" in said and "Error" not in said, said
    assert checkpoint(tmp_path / "run")["global_step"] > 50


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_resumes_to_the_same_weights(whole, tiny, photos, tmp_path, number, code):
    run_dir, steps, said = tmp_path / "interrupted", [], []
    for each, default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        signal.signal(each, default)

    class InterruptAt2(Silent):
        def step_done(self, done, total):
            steps.append((done, total))
            if done == 2:
                os.kill(os.getpid(), number)

        def warn(self, text):
            said.append(text)

    with pytest.raises(SystemExit) as end:
        run_training(tiny, images=[photos], run_dir=run_dir, reporter=InterruptAt2(), **ON_CPU)
    assert end.value.code == code and len(said) == 1 and "checkpoint" in said[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == (
        signal.default_int_handler,
        signal.SIG_DFL,
    )
    assert steps[:3] == [(0, 6), (1, 6), (2, 6)] and checkpoint(run_dir)["global_step"] == steps[-1][0] < 6
    run_training(tiny, images=[photos], run_dir=run_dir, resume=True, **ON_CPU)
    assert_same_weights(whole, run_dir)


def test_best_is_best_by_the_sets_of_now_and_the_curve_keeps_all(whole, tiny, photos, tmp_path):
    for name, other in (("input", 1), ("target", 2)):
        (tmp_path / "hard" / name).mkdir(parents=True)
        Image.fromarray(smooth_photo(other)).save(tmp_path / "hard" / name / "a.png")
    given = {"images": [photos], "run_dir": whole, "resume": True}
    for steps, more in ((7, {"validate_pairs": [tmp_path / "hard"]}), (8, {})):
        run_training(tiny, steps=steps, **given, **more, **ON_CPU)
        last, best = (read_about(whole / f"{name}.safetensors")["run"] for name in ("last", "best"))
        if more:
            assert best == last and last["score"] < 38 and "hard" in last, "the first on these sets"
    rows = curve(whole)
    assert [bool(row["hard"]) for row in rows] == [False, False, True, False]
    by_light = {row["step"]: min(float(row["light"]), 40) + min(float(row["clean"]), 40) for row in rows}
    assert best["step"] == (8 if by_light["8"] > by_light["7"] else 7), "compared with the weights that were there"


@pytest.mark.long
def test_a_compiled_network_trains_to_the_same_checkpoint(tiny, photos, tmp_path, monkeypatch):
    """Traced as for the compiler, but run as it is: compiling takes minutes."""
    monkeypatch.setattr(Restormer, "compile", lambda network: nn.Module.compile(network, backend="eager"))
    for name in (False, True):
        run_training(tiny, images=[photos], run_dir=tmp_path / str(name), steps=1, compiled=name, **ON_CPU)
    assert_same_weights(tmp_path / "False", tmp_path / "True")


@pytest.mark.long
def test_two_processes_stop_resume_and_come_to_the_weights_of_one(tiny, photos, tmp_path):
    for seed in range(12, 24):  # of which three are held out: no equal shares for two
        Image.fromarray(smooth_photo(seed)).save(photos / f"{seed}.png")
    run_training(tiny, images=[photos], run_dir=tmp_path / "whole", **ON_CPU)
    (tmp_path / "tiny.toml").write_text(TINY)
    command = [
        sys.executable,
        "-m",
        "glmha_cli",
        "train",
        tmp_path / "tiny.toml",
        "--images",
        photos,
        "--run-dir",
        tmp_path / "run",
        "--device",
        "cpu",
        "--devices",
        "2",
        "--precision",
        "32-true",
        "--json",
    ]
    for more in (["--max-minutes", "0"], ["--resume"]):
        done = subprocess.run([*command, *more], capture_output=True, text=True, timeout=300, check=True)
        (line,) = done.stdout.splitlines()  # said by one of them
        assert json.loads(line)["weights"].endswith("best.safetensors")
    assert [row["step"] for row in curve(tmp_path / "run")] == ["1", "3", "6"]
    scores = [float(curve(tmp_path / name)[-1]["score"]) for name in ("whole", "run")]
    assert scores[0] == pytest.approx(scores[1], abs=0.01)
    one, two = (checkpoint(tmp_path / name)["current_model_state"] for name in ("whole", "run"))
    assert max((one[name] - two[name]).abs().max() for name in one) < 1e-4


def test_a_recipe_sets_the_threads_for_its_run_alone(tiny, photos, tmp_path):
    before, seen = torch.get_num_threads(), []

    class Threads(Silent):
        def validated(self, row):
            seen.append(torch.get_num_threads())

    run_training(
        replace(tiny, cpu_threads=1),
        images=[photos],
        run_dir=tmp_path / "run",
        steps=1,
        device="cpu",
        reporter=Threads(),
    )
    assert seen == [1] and torch.get_num_threads() == before


def test_a_finished_run_can_be_lengthened(whole, tiny, photos):
    run_training(tiny, images=[photos], run_dir=whole, steps=8, resume=True, **ON_CPU)
    assert checkpoint(whole)["global_step"] == 8
    steps = [row["step"] for row in curve(whole)]
    assert steps[:2] == ["3", "6"] and steps[-1] == "8"


def small(recipe):
    """Its network and degradation, on patches of 32 px; banks are drawn small."""
    banks = {"rain": {"bank_layers": 4}}
    stage = replace(recipe.schedule.stages[0], patch_px=32, batch=2, until=1.0)
    return replace(
        recipe,
        schedule=replace(recipe.schedule, stages=(stage,)),
        degradation={**recipe.degradation, **banks.get(recipe.degradation["name"], {})},
    )


@pytest.mark.parametrize("name", [name for name in recipe_names() if name.endswith("-lite")])
def test_every_small_recipe_takes_a_step_and_stays_finite(name, photos, spectra, tmp_path):
    recipe = small(load_recipe(name))
    to_cubes = {"spectra": [spectra]} if recipe.task in ("rgb2hsi", "sci") else {}
    before = Restoration(recipe, []).network.state_dict()
    best = run_training(recipe, images=[photos], run_dir=tmp_path / "run", steps=1, **to_cubes, **ON_CPU)
    trained = checkpoint(tmp_path / "run")["current_model_state"]
    state = {key.removeprefix("network."): value for key, value in trained.items()}
    assert all(torch.isfinite(tensor).all() for tensor in state.values())
    assert any(not torch.equal(before[key], tensor) for key, tensor in state.items())
    assert load_file(best).keys() == before.keys()
    # An untrained Restormer returns a clean photo as it is: infinite dB.
    assert not any(np.isnan(float(value)) for value in curve(tmp_path / "run")[-1].values())


def test_cubes_are_learnt_from_directly_and_held_out_too(tmp_path):
    folder = tmp_path / "cubes"
    folder.mkdir()
    for index, suffix in enumerate([".npz", ".tif", ".mat"]):
        values = smooth_reflectances(36 * 40, seed=index).reshape(36, 40, 31).astype(np.float32)
        write_cube(folder / f"{index}{suffix}", Cube(values=values, wavelength_nm=RGB2HSI_NM))
    run_training(small(load_recipe("sci-lite")), cubes=[folder], run_dir=tmp_path / "run", steps=1, **ON_CPU)
    assert set(curve(tmp_path / "run")[0]) == {"step", "score", "gray_cubes", "gray_cubes_sam_deg"}


SETS = "gray", "gray_spectra", "measured", "measured_spectra"


def test_the_command_line_hands_all_sources_on(photos, spectra, tmp_path, capsys):
    recipe, mask, run_dir = (tmp_path / name for name in ("small.toml", "mask.npy", "run"))
    recipe.write_text(SMALL_SCI)
    np.save(mask, np.full((40, 40), 0.5, np.float32))
    options = TrainOptions(
        recipe=str(recipe),
        images=[photos],
        spectra=[spectra],
        masks=[mask],
        run_dir=run_dir,
        steps=1,
        device="cpu",
        precision="32-true",
        workers=0,
    )
    train_verb(options)
    assert set(curve(run_dir)[0]) == {"step", "score", *SETS, *(f"{name}_sam_deg" for name in SETS)}
    assert re.search(r"step 1, \d+\.\d min: score \d+.*, gray \d+", capsys.readouterr().err)  # in a log file, too
    with pytest.raises(BadDataError, match="unknown key 'masks'"):
        train_verb(replace(options, recipe="derain-lite", spectra=[], run_dir=tmp_path / "other"))


def refused(error: type[GlmhaError], match: str, recipe, run_dir, **options) -> None:
    """It raises before a step is taken and before anything is written."""
    before = sorted(run_dir.rglob("*"))
    with pytest.raises(error, match=match) as caught:
        run_training(recipe, run_dir=run_dir, **ON_CPU, **options)
    assert caught.value.hint
    assert sorted(run_dir.rglob("*")) == before


def test_folders_that_cannot_be_trained_on_are_refused(tiny, photos, tmp_path):
    run_dir, empty, small, single = (tmp_path / name for name in ("run", "empty", "small", "single"))
    for folder in (empty, small, single):
        folder.mkdir()
    for index in range(3):
        Image.new("RGB", (31, 64)).save(small / f"{index}.png")
    Image.new("RGB", (64, 64)).save(single / "0.png")
    refused(NoInputError, "no photos", tiny, run_dir, images=[empty])
    refused(NoInputError, "no folder", tiny, run_dir, images=[tmp_path / "missing"])
    refused(NoInputError, "too few photos", tiny, run_dir, images=[single])
    refused(BadDataError, "smaller than the crop of 32 px", tiny, run_dir, images=[small])
    refused(UsageError, "no training data is given", tiny, run_dir)
    for name, pixels in (
        ("gray.png", np.full((64, 64), 40_000, np.uint16)),
        ("float.tif", np.full((64, 64), 0.5, np.float32)),
    ):
        Image.fromarray(pixels).save(photos / name)
        refused(BadDataError, f"{name}' is a grayscale photo of more than 8 bits", tiny, run_dir, images=[photos])
        (photos / name).unlink()
    (small / "1.png").write_bytes(b"no picture")
    refused(BadDataError, "cannot read", tiny, run_dir, images=[small])


def test_pairs_that_do_not_match_are_refused(tiny, photos, tmp_path):
    pairs = tmp_path / "pairs"
    for part in ("input", "target"):
        (pairs / part).mkdir(parents=True)
    run = {"images": [photos], "validate_pairs": [pairs]}
    refused(NoInputError, "no pairs", tiny, tmp_path / "run", **run)
    Image.new("RGB", (20, 20)).save(pairs / "input" / "a.png")
    refused(NoInputError, "no files in .*target", tiny, tmp_path / "run", **run)
    Image.new("RGB", (20, 21)).save(pairs / "target" / "a.png")
    refused(BadDataError, "differ in size", tiny, tmp_path / "run", **run)


def test_a_batch_that_devices_cannot_share_alike_is_refused(tiny, photos, tmp_path):
    with pytest.raises(UsageError, match="a batch of 2 cannot be divided equally among 3 devices") as caught:
        run_training(tiny, images=[photos], run_dir=tmp_path / "run", num_devices=3, **ON_CPU)
    assert caught.value.hint == "--devices 1, 2" and not (tmp_path / "run").exists()


def test_what_does_not_fit_the_network_or_the_machine_is_refused(tiny, photos, spectra, tmp_path):
    run_dir = tmp_path / "run"
    for length, sides in ((36, {"patch_px": 36}), (12, {"patch_px": 32, "rows": 12})):
        stage = replace(tiny.schedule.stages[0], **sides)
        refused(
            BadDataError,
            f"crops of {length} px do not fit the network",
            replace(tiny, schedule=replace(tiny.schedule, stages=(stage,))),
            run_dir,
            images=[photos],
        )
    sci = small(load_recipe("sci-lite"))
    refused(
        BadDataError,
        "a dispersion of 2 px per band, the snapshots have 1",
        replace(sci, degradation={**sci.degradation, "step": 1}),
        run_dir,
        images=[photos],
        spectra=[spectra],
    )
    refused(
        BadDataError,
        "'mst' knows one dispersion, of 2 px per band",
        replace(sci, degradation={**sci.degradation, "other_steps": [3]}),
        run_dir,
        images=[photos],
        spectra=[spectra],
    )
    count = torch.cuda.device_count()
    with pytest.raises(UsageError, match=f"only {count} 'cuda' devices are available .*, not {count + 1}"):
        run_training(
            replace(tiny, schedule=replace(tiny.schedule, stages=(replace(tiny.schedule.stages[0], batch=count + 1),))),
            images=[photos],
            run_dir=run_dir,
            device="cuda",
            num_devices=count + 1,
        )
    assert not run_dir.exists()


def test_a_file_that_breaks_off_is_named_though_a_worker_read_it(tiny, tmp_path):
    pairs = tmp_path / "pairs"
    for seed in range(12):
        for name in ("input", "target"):
            (pairs / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(smooth_photo(seed)).save(pairs / name / f"{seed:02}.png")
    for path in (pairs / "target").glob("*[1-9].png"):
        path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(BadDataError, match=r"^cannot read '.*\.png'") as caught:
        run_training(tiny, pairs=[pairs], run_dir=tmp_path / "run", device="cpu", num_workers=1)
    assert "Traceback" not in caught.value.message and caught.value.hint


def test_what_is_validated_on_is_not_among_the_photos(tiny, photos, tmp_path):
    val = photos / "val"
    for name in ("input", "target"):
        (val / name).mkdir(parents=True)
        for seed in range(2):
            Image.fromarray(smooth_photo(seed)).save(val / name / f"{seed}.png")
    refused(
        UsageError,
        "pairs of '.*val' are also used for training",
        tiny,
        tmp_path / "run",
        images=[photos],
        validate_pairs=[val],
    )


def test_what_a_task_lacks_or_has_no_use_for_is_refused(tiny, photos, spectra, tmp_path):
    rgb2hsi, run_dir = load_recipe("rgb2hsi-lite"), tmp_path / "run"
    refused(UsageError, "needs measured spectra", rgb2hsi, run_dir, images=[photos])
    refused(
        UsageError, "cannot use pairs", rgb2hsi, run_dir, images=[photos], spectra=[spectra], validate_pairs=[photos]
    )
    refused(UsageError, "photos only", tiny, run_dir, images=[photos], spectra=[spectra])
    unknown = replace(tiny, degradation={"name": "rian"})
    refused(UsageError, "unknown degradation 'rian'", unknown, run_dir, images=[photos])


def test_a_new_run_can_start_from_weights(whole, tiny, photos, tmp_path):
    still = replace(tiny, schedule=replace(tiny.schedule, steps=1, learning_rate=0.0, weight_decay=0.0))
    run_training(still, images=[photos], run_dir=tmp_path / "on", start_from=whole / "last.safetensors", **ON_CPU)
    given, went_on = (load_file(run / "last.safetensors") for run in (whole, tmp_path / "on"))
    assert all(torch.equal(tensor, went_on[name]) for name, tensor in given.items())
    wider = replace(tiny, network={**tiny.network, "channels": 16})
    refused(BadDataError, "do not match", wider, tmp_path / "x", images=[photos], start_from=whole / "last.safetensors")
    refused(
        UsageError,
        "--start-from|resumed run",
        tiny,
        whole,
        images=[photos],
        resume=True,
        start_from=whole / "last.safetensors",
    )


def test_a_new_run_can_start_from_a_part_of_its_network(photos, spectra, tmp_path):
    whole = small(load_recipe("rgb2hsi-lite"))
    still = replace(whole, schedule=replace(whole.schedule, steps=1, learning_rate=0.0, weight_decay=0.0))
    part = replace(whole, network={**whole.network, "num_stages": 0})
    data = {"images": [photos], "spectra": [spectra], **ON_CPU}
    regression = run_training(part, run_dir=tmp_path / "part", steps=1, **data)
    run_training(still, run_dir=tmp_path / "whole", start_from=regression, **data)
    given, went_on = (load_file(tmp_path / run / "last.safetensors") for run in ("part", "whole"))
    assert len(given) < len(went_on)
    assert all(torch.equal(tensor, went_on[name]) for name, tensor in given.items())


def test_only_the_run_of_the_same_network_can_be_resumed(whole, tiny, photos, tmp_path):
    wider = replace(tiny, network={**tiny.network, "channels": 16})
    refused(BadDataError, "another network", wider, whole, images=[photos], resume=True)
    faster = replace(tiny, schedule=replace(tiny.schedule, learning_rate=2e-3))
    refused(BadDataError, "was started with learning_rate 0.001", faster, whole, images=[photos], resume=True)
    refused(
        BadDataError,
        "was started with optimizer adamw",
        replace(tiny, optimizer="muon"),
        whole,
        images=[photos],
        resume=True,
    )
    refused(BadDataError, "was started with seed 1", tiny.adjusted(seed=2), whole, images=[photos], resume=True)
    refused(UsageError, "already holds a run", tiny, whole, images=[photos])
    refused(NoInputError, "nothing to resume", tiny, tmp_path / "fresh", images=[photos], resume=True)
    (whole / "last.ckpt").write_bytes((whole / "last.ckpt").read_bytes()[:5000])
    refused(BadDataError, "damaged", tiny, whole, images=[photos], resume=True)


def test_a_folder_that_cannot_be_is_refused_before_photos_are_read(tiny, tmp_path):
    (tmp_path / "file").touch()
    refused(CannotCreateError, "no folder that a run", tiny, tmp_path / "file" / "run", images=[tmp_path / "nowhere"])
