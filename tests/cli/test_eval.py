"""`glmha eval` on real files: the named protocols, pairs refused that do not fit, what is written down."""

import csv
import json
import shutil

import numpy as np
import pytest
import scipy.io
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from glmha_cli.inference.restorer import Restorer
from glmha_cli.inference.tiling import Tiling
from glmha_cli.io.cubes.cube import Cube, write_cube
from glmha_cli.networks import network_to_plain
from glmha_cli.networks.mst import MSTConfig
from glmha_cli.networks.mst_plus_plus import MSTPlusPlusConfig
from glmha_cli.physics import cassi
from glmha_cli.weights.checkpoint import save_checkpoint
from tests.cli.in_process import run_here
from tests.cli.test_restore import error_of
from tests.conftest import run_glmha


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def pairs(tmp_path):
    """Two pairs of photos of different sizes: a noisy input, and its target."""
    rng = np.random.default_rng(0)
    for name, size in (("a", (24, 40)), ("b", (33, 17))):
        target = rng.integers(20, 236, (*size, 3), np.uint8)
        save(tmp_path / "set" / "target" / f"{name}.png", target)
        save(
            tmp_path / "set" / "input" / f"{name}.png", (target + rng.integers(-20, 21, target.shape)).astype(np.uint8)
        )
    return tmp_path / "set"


def read(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_model_on_pairs(tiny_model, pairs, tmp_path):
    table = tmp_path / "scores.csv"
    command = ["eval", "derain", "--pairs", pairs, "--model", tiny_model, "--tile", "32", "--csv", table]
    result = run_glmha(*command, "--json", "--protocol", "gopro")
    assert result.returncode == 0, result.stderr
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(record["set"], record["image"]) for record in records] == [("set", "a"), ("set", "b"), ("set", "mean")]
    assert all(
        record["protocol"] == "gopro" and record["tile"] == "32/16" and record["tta"] is False for record in records
    )
    for record, name in zip(records, "ab", strict=False):
        before = peak_signal_noise_ratio(read(pairs / "target" / f"{name}.png"), read(pairs / "input" / f"{name}.png"))
        assert record["input_psnr_db"] == pytest.approx(before, abs=1e-5)
        out = tmp_path / f"{name}.png"
        assert (
            run_here("derain", pairs / "input" / f"{name}.png", out, "--model", tiny_model, "--tile", "32").returncode
            == 0
        )
        after = peak_signal_noise_ratio(read(pairs / "target" / f"{name}.png"), read(out))
        assert record["psnr_db"] == pytest.approx(after, abs=1e-5)  # as of the file that the verb writes
    assert records[2]["psnr_db"] == pytest.approx((records[0]["psnr_db"] + records[1]["psnr_db"]) / 2, abs=1e-5)
    with table.open(newline="") as file:
        assert [float(row["psnr_db"]) for row in csv.DictReader(file)] == [record["psnr_db"] for record in records]
    again = run_here(*command)
    assert again.returncode == 73 and "--overwrite" in error_of(again)


def test_pairs_are_measured_enlarged_too(tiny_model, pairs, tmp_path):
    command = [
        "eval",
        "derain",
        "--model",
        tiny_model,
        "--scale",
        "1",
        "--tile",
        "whole",
        "--protocol",
        "gopro",
        "--json",
    ]
    result = run_here(*command, "--pairs", pairs, "--enlarge", "1,3")
    assert result.returncode == 0, result.stderr
    records = {(record["set"], record["image"]): record for record in map(json.loads, result.stdout.splitlines())}
    assert list(records) == [
        *((name, image) for name in ("set", "set 3x") for image in "ab"),
        *((name, "mean") for name in ("set", "set 3x", "all sets")),
    ]
    for part in ("input", "target"):  # as if the enlarged pairs were files
        for image in "ab":
            small = Image.open(pairs / part / f"{image}.png")
            large = small.resize((small.width * 3, small.height * 3), Image.Resampling.BICUBIC)
            save(tmp_path / "large" / part / f"{image}.png", np.asarray(large))
    by_files = [json.loads(line) for line in run_here(*command, "--pairs", tmp_path / "large").stdout.splitlines()]
    for record in by_files:
        for metric in ("psnr_db", "input_psnr_db"):
            assert records["set 3x", record["image"]][metric] == pytest.approx(
                record[metric], abs=0.05
            )  # rounded to 8 bit


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["derain", "--pairs", "x", "--enlarge", "0"], "1,2,3,4"),
        (["derain", "--pairs", "x", "--enlarge", "2x"], "1,2,3,4"),
        (["rgb2hsi", "--pairs", "x", "--enlarge", "2"], "derain"),
        (["derain", "--results", "x", "--targets", "y", "--enlarge", "2"], "--pairs"),
    ],
)
def test_what_cannot_be_enlarged_says_what_to_type(arguments, word):
    result = run_here("eval", *arguments)
    assert result.returncode == 2 and word in result.stderr and "enlarge" in error_of(result)


def test_sets_of_one_name_are_told_apart(tiny_model, pairs, tmp_path):
    other = tmp_path / "other" / pairs.name
    shutil.copytree(pairs, other)
    (other / "input" / "b.png").unlink()
    (other / "target" / "b.png").unlink()
    both = ["--pairs", pairs, "--pairs", other]
    result = run_here("eval", "derain", *both, "--model", tiny_model, "--json")
    assert result.returncode == 0, result.stderr
    means = [json.loads(line) for line in result.stdout.splitlines()][3:]
    assert [mean["set"] for mean in means] == [pairs.name, str(other), "all sets"]
    assert means[2]["psnr_db"] == pytest.approx((means[0]["psnr_db"] + means[1]["psnr_db"]) / 2, abs=1e-5)
    assert run_here("eval", "derain", *both, "--pairs", other).returncode == 2


def test_the_tiles_are_those_that_were_used(tiny_model, pairs, monkeypatch):
    restore, seen = Restorer.restore, []

    def without_memory_for_the_second(restorer, source):
        seen.append(source)
        restorer.tiling = Tiling(tile_px=64) if len(seen) > 1 else restorer.tiling
        return restore(restorer, source)

    monkeypatch.setattr(Restorer, "restore", without_memory_for_the_second)
    result = run_here("eval", "derain", "--pairs", pairs, "--model", tiny_model, "--tile", "whole", "--json")
    tiles = [json.loads(line)["tile"] for line in result.stdout.splitlines()]
    assert tiles == ["whole", "64/32", "64/32 and whole"]


def test_results_that_are_there(pairs):
    result = run_here("eval", "derain", "--results", pairs / "input", "--targets", pairs / "target")
    assert result.returncode == 0, result.stderr
    assert "mean" in result.stdout and "ssim" in result.stdout and "rgb2ycbcr" in result.stderr


def test_all_orientations_make_the_result_independent_of_the_photos_own(tiny_model, pairs, tmp_path):
    for part in ("input", "target"):
        save(tmp_path / "turned" / part / "a.png", np.rot90(read(pairs / part / "a.png")))
        (pairs / part / "b.png").unlink()
    scores = []
    for folder in (pairs, tmp_path / "turned"):
        for flags in ([], ["--tta"]):
            result = run_here(
                "eval", "derain", "--pairs", folder, "--model", tiny_model, "--protocol", "gopro", "--json", *flags
            )
            assert result.returncode == 0, result.stderr
            scores.append(json.loads(result.stdout.splitlines()[0])["psnr_db"])
    plain, ensemble, turned_plain, turned_ensemble = scores
    assert ensemble == pytest.approx(turned_ensemble, abs=1e-3)
    assert abs(plain - turned_plain) > 2e-3


def test_a_csv_that_cannot_be_made_is_refused_before_the_work(tiny_model, pairs, tmp_path):
    result = run_here("eval", "derain", "--pairs", pairs, "--model", tiny_model, "--csv", tmp_path / "no" / "s.csv")
    assert result.returncode == 73 and "does not exist" in result.stderr and "mkdir" in result.stderr


def test_a_missing_partner_is_refused(tiny_model, pairs):
    (pairs / "input" / "b.png").unlink()
    result = run_here("eval", "derain", "--pairs", pairs, "--model", tiny_model)
    assert result.returncode == 65 and "no partner: 'b'" in error_of(result)


@pytest.mark.parametrize("task", ["derain", "deblur"])
def test_two_sizes_are_refused_with_both(pairs, task):
    save(pairs / "target" / "b.png", np.zeros((33, 18, 3), np.uint8))
    result = run_here("eval", task, "--results", pairs / "input", "--targets", pairs / "target")
    assert result.returncode == 65 and "33 x 17 and 33 x 18" in error_of(result)


def test_a_photo_of_one_pixel_is_refused_by_name(pairs):
    for part in ("input", "target"):
        save(pairs / part / "b.png", np.zeros((1, 1, 3), np.uint8))
    result = run_here("eval", "derain", "--results", pairs / "input", "--targets", pairs / "target")
    assert result.returncode == 65 and "b.png" in error_of(result) and "11 x 11" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["eval", "derain"], 2, "--pairs"),
        (["eval", "rain", "--pairs", "x"], 2, "derain"),
        (["eval", "derain", "--pairs", "x", "--protocol", "arda"], 2, "arad"),
        (["eval", "derain", "--pairs", "x", "--protocol", "kaist"], 2, "--protocol derain"),
        (["eval", "derain", "--results", "x"], 2, "--targets"),
        (["eval", "derain", "--pairs", "x"], 66, "x"),
    ],
)
def test_what_cannot_be_says_what_to_type(arguments, code, word):
    result = run_here(*arguments)
    assert result.returncode == code and word in error_of(result)


@pytest.fixture
def cubes(tmp_path):
    """Folders of results and of targets, in two formats; each target holds one zero."""
    rng = np.random.default_rng(1)
    for name in ("results", "targets"):
        (tmp_path / name).mkdir()
    for stem in "ab":
        target = rng.uniform(0.1, 1, (20, 24, 31)).astype(np.float32)
        target[3, 4, 5] = 0
        write_cube(tmp_path / "targets" / f"{stem}.mat", Cube(values=target, wavelength_nm=()))
        write_cube(tmp_path / "results" / f"{stem}.hdr", Cube(values=target * np.float32(0.9), wavelength_nm=()))
    return tmp_path


@pytest.mark.parametrize(
    ("task", "protocol", "expected"),
    [("rgb2hsi", "arad", {"mrae": 0.1, "sam_deg": 0.0, "crop_px": 0, "zero_references": 1}), ("sci", "kaist", {})],
)
def test_cubes(cubes, task, protocol, expected):
    result = run_here("eval", task, "--results", cubes / "results", "--targets", cubes / "targets", "--json")
    assert result.returncode == 0, result.stderr
    first = json.loads(result.stdout.splitlines()[0])
    assert first["protocol"] == protocol and 20 < first["psnr_db"] < 40
    assert {name: first[name] for name in expected} == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("first_nm", "code"), [(400.4, 0), (420, 65)])
def test_cubes_of_other_wavelengths_are_not_compared(cubes, first_nm, code):
    for folder, start in (("results", 400), ("targets", first_nm)):
        for path in (cubes / folder).glob("*.*"):
            path.unlink()
        cube = Cube(values=np.full((20, 24, 31), 0.5, np.float32), wavelength_nm=start + 10.0 * np.arange(31))
        write_cube(cubes / folder / "a.npz", cube)
    result = run_here("eval", "rgb2hsi", "--results", cubes / "results", "--targets", cubes / "targets")
    assert result.returncode == code, result.stderr
    assert not code or "420 to 720 nm" in error_of(result)


def test_a_target_of_zeros_alone_is_refused(cubes):
    write_cube(
        cubes / "targets" / "b.mat", Cube(values=np.zeros((20, 24, 31), np.float32), wavelength_nm=()), overwrite=True
    )
    result = run_here("eval", "rgb2hsi", "--results", cubes / "results", "--targets", cubes / "targets")
    assert result.returncode == 65 and "MRAE" in error_of(result) and "b.hdr" in result.stderr


def test_photos_to_cubes_by_a_model(pairs, tmp_path):
    torch.manual_seed(0)
    config = MSTPlusPlusConfig(num_stages=1)
    save_checkpoint(
        tmp_path / "m.safetensors",
        config.build().state_dict(),
        {"task": "rgb2hsi", "network": network_to_plain(config)},
        dtype=torch.float32,
    )
    shutil.rmtree(pairs / "target")
    (pairs / "target").mkdir()
    for name, size in (("a", (24, 40)), ("b", (33, 17))):
        write_cube(
            pairs / "target" / f"{name}.npy", Cube(values=np.full((*size, 31), 0.5, np.float32), wavelength_nm=())
        )
    command = ("eval", "rgb2hsi", "--pairs", pairs, "--model", tmp_path / "m.safetensors", "--json", "--no-project")
    result = run_here(*command)
    assert result.returncode == 0, result.stderr
    shutil.move(pairs / "target" / "a.npy", tmp_path / "a.npy")
    other = Cube(values=np.load(tmp_path / "a.npy"), wavelength_nm=420 + 10.0 * np.arange(31))
    write_cube(pairs / "target" / "a.npz", other)
    refused = run_here(*command)
    assert refused.returncode == 65 and "what rgb2hsi gives 400 to 700 nm" in error_of(refused)
    mean = json.loads(result.stdout.splitlines()[-1])
    assert mean["project"] is False and mean["mrae"] > 0 and "input_mrae" not in mean


def test_a_measurement_needs_its_mask_and_is_not_turned(tmp_path):
    for part in ("input", "target"):
        (tmp_path / "sci" / part).mkdir(parents=True)
        (tmp_path / "sci" / part / "a.mat").touch()
    without = run_here("eval", "sci", "--pairs", tmp_path / "sci")
    assert without.returncode == 2 and "--mask" in error_of(without)
    turned = run_here("eval", "sci", "--pairs", tmp_path / "sci", "--mask", "mask.mat", "--tta")
    assert turned.returncode == 2 and "--tta" in error_of(turned)


def test_measurements_by_a_model(tmp_path):
    """A snapshot is restored with its mask and measured against its cube."""
    rng, folder = np.random.default_rng(0), tmp_path / "scene"
    cube = np.broadcast_to(np.linspace(0.1, 0.9, 28, dtype=np.float32), (20, 24, 28))
    mask = (rng.random((20, 24)) < 0.5).astype(np.float32)
    (folder / "input").mkdir(parents=True), (folder / "target").mkdir()
    scipy.io.savemat(folder / "input" / "a.mat", {"simulation_test": cassi.forward(cube, mask, step=2)})
    scipy.io.savemat(tmp_path / "mask.mat", {"mask": mask})
    write_cube(folder / "target" / "a.npz", Cube(values=np.ascontiguousarray(cube), wavelength_nm=()))
    config = MSTConfig(num_blocks=(1, 1, 1))
    save_checkpoint(
        tmp_path / "m.safetensors",
        config.build().state_dict(),
        {"task": "sci", "network": network_to_plain(config)},
        dtype=torch.float32,
    )
    result = run_here(
        "eval",
        "sci",
        "--pairs",
        folder,
        "--model",
        tmp_path / "m.safetensors",
        "--mask",
        tmp_path / "mask.mat",
        "--json",
    )
    assert result.returncode == 0, result.stderr
    mean = json.loads(result.stdout.splitlines()[-1])
    assert mean["protocol"] == "kaist" and mean["project"] is True and np.isfinite(mean["psnr_db"])
