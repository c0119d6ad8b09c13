"""Which files a batch takes and what each becomes, seen through --dry-run: it loads and creates nothing."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from glmha_cli.batch.jobs import Job, Shard
from glmha_cli.batch.plan import Plan
from glmha_cli.inference.tiling import Tiling
from tests.cli.in_process import run_here

STRANGE = [
    "a b.png",
    "-dash.png",
    "line\nbreak.png",
    "Grüße 雨.png",
    os.fsdecode(b"\xe9\xff.png"),
    "q'\"$(x).png",
    "a[1].png",
]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not looked at")


def plan(*arguments: object) -> dict[str, str]:
    """Input -> output, of a plan without anything to complain about."""
    before = sorted(map(str, Path().rglob("*")))
    result = run_here("derain", "--dry-run", "--json", *arguments)
    assert result.returncode == 0, result.stderr
    assert sorted(map(str, Path().rglob("*"))) == before
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert all(line["status"] == "planned" for line in lines)
    return {line["input"]: line["output"] for line in lines}


def refusal(*arguments: object, code: int) -> str:
    result = run_here("derain", *arguments, "--dry-run")
    assert result.returncode == code, result.stderr
    return result.stderr


def stdin(monkeypatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_little_work_is_told_by_the_pixels_of_headers_not_by_bytes(here):
    """A photo of one colour has few bytes, and many pixels take long all the same."""
    for name, size in (("small.png", (160, 120)), ("large.png", (6000, 5000))):
        Image.new("L", size).save(name)
    small, large = (Job(Path(name), Path("out.png"), PurePath(name)) for name in ("small.png", "large.png"))
    assert Path("large.png").stat().st_size < 10**6
    tiling = Tiling.parse("auto")
    assert Plan([small], None, single=True).is_quick(tiling)
    assert not Plan([large], None, single=True).is_quick(tiling)
    assert Plan([small] * 1000, Path("out"), single=False).is_quick(tiling)
    assert not Plan([small, large] * 500, Path("out"), single=False).is_quick(tiling)


# What is taken


def test_a_folder_without_and_with_its_sub_folders(here):
    touch("in/b.PNG", "in/a.jpg", "in/notes.txt", "in/sub/deep/c.tif", "in/.hidden.png", "in/.trash/d.png")
    assert list(plan("in", "out").items()) == [("in/a.jpg", "out/a.jpg"), ("in/b.PNG", "out/b.PNG")]
    assert plan("in", "out", "--recursive", "--ext", "png") == {
        "in/a.jpg": "out/a.png",
        "in/b.PNG": "out/b.png",
        "in/sub/deep/c.tif": "out/sub/deep/c.png",
    }
    touch("outer/sub/a.png")
    assert "--recursive" in refusal("outer", "out", code=66)


def test_patterns_are_expanded_here_and_mirrored_below_their_fixed_part(here):
    touch("in/a.png", "in/x/b.png", "in/x/y/c.png", "in/x/d.txt", "in/.glmha-12.png")
    assert plan("in/*.png", "out") == {"in/a.png": "out/a.png"}
    assert plan("in/**/*.png", "out") == {
        "in/a.png": "out/a.png",
        "in/x/b.png": "out/x/b.png",
        "in/x/y/c.png": "out/x/y/c.png",
    }
    assert plan(here / "in/x/*", "out") == {f"{here}/in/x/b.png": "out/b.png"}
    assert "in/*.tif" in refusal("in/*.tif", "out", code=66)


def test_a_pattern_leaves_the_outputs_of_earlier_runs_alone(here):
    touch("in/a.png", "in/x/b.png", "in/out/a.png", "in/out/x/b.png")
    assert plan("in/**/*.png", "in/out", "--overwrite") == {"in/a.png": "in/out/a.png", "in/x/b.png": "in/out/x/b.png"}
    assert plan("in/out/*.png", "in/out", "--suffix", "_again") == {"in/out/a.png": "in/out/a_again.png"}


def test_several_inputs_of_several_kinds(here):
    touch("a.png", "in/b.png", "more/c.png")
    assert plan("a.png", "in", "more/*", "out") == {
        "a.png": "out/a.png",
        "in/b.png": "out/b.png",
        "more/c.png": "out/c.png",
    }
    assert "no file 'd.png'" in refusal("a.png", "d.png", "out", code=66)


@pytest.mark.parametrize("name", STRANGE)
def test_any_name_in_a_folder_in_a_list_and_by_itself(here, monkeypatch, name):
    touch(f"in/{name}")
    expected = {f"in/{name}": f"out/{name}"}
    assert plan("in", "out") == plan("in/*", "out") == expected
    stdin(monkeypatch, os.fsencode(f"in/{name}\0"))
    assert plan("--files-from", "-", "--null", "in", "out") == expected
    Path("out").mkdir()
    assert plan(f"in/{name}", "out") == plan(f"in/{name}", "out/") == expected
    monkeypatch.chdir("in")
    assert plan("--", name, "../out") == {name: f"../out/{name}"}


def test_lists(here):
    touch("in/a.png", "in/x/b.png")
    Path("list.txt").write_bytes("\ufeffin/a.png\r\nin/x/b.png\r\n\r\nin/a.png\r\n".encode())
    assert plan("--files-from", "list.txt", "out") == {"in/a.png": "out/a.png", "in/x/b.png": "out/b.png"}
    assert plan("--files-from", "list.txt", "in", "out") == {"in/a.png": "out/a.png", "in/x/b.png": "out/x/b.png"}
    Path("list.txt").write_bytes("in/a.png\r\nin/x/b.png\r\n".encode("utf-16"))  # as PowerShell's > does
    assert plan("--files-from", "list.txt", "out") == {"in/a.png": "out/a.png", "in/x/b.png": "out/b.png"}
    Path("list.txt").write_bytes("\ufeffin/a.png\r\nin/x/b.png\r\n".encode("utf-16-be"))
    assert plan("--files-from", "list.txt", "out") == {"in/a.png": "out/a.png", "in/x/b.png": "out/b.png"}
    Path("list.txt").write_bytes(b"in/a.png\0in/x/b.png\0")
    assert "--null" in refusal("--files-from", "list.txt", "out", code=2)
    assert "list.txt" in refusal("--files-from", "./other/list.txt", "out", code=66)
    Path("list.txt").write_bytes(b"\n")
    refusal("--files-from", "list.txt", "out", code=66)
    assert "--files-from" in refusal("--null", "in", "out", code=2)


def test_a_list_that_never_ends_is_refused(here, monkeypatch):
    monkeypatch.setattr("glmha_cli.batch.lists.LARGEST_LIST", 2**20)
    assert "'/dev/zero' is longer than 1 MiB" in refusal("--files-from", "/dev/zero", "--null", "out", code=2)


def test_a_listed_file_that_cannot_be_done_costs_only_itself(here):
    touch("in/a.png", "in/notes.txt", "b.png")
    Path("list.txt").write_text("in/a.png\nin/gone.png\nin/notes.txt\nb.png\nin\n")
    result = run_here("derain", "--files-from", "list.txt", "in", "out", "--dry-run")
    assert result.returncode == 1 and result.stdout == "in/a.png -> out/a.png\n"
    for reason in (
        "'in/gone.png' is not there",
        "cannot write a photo as 'notes.txt'",
        "'b.png' is not in 'in'",
        "'in' is not a file",
    ):
        assert reason in result.stderr
    assert "1 to do, 0 skipped, 4 refused" in result.stderr


def test_folders_and_impossible_names_cost_only_themselves(here):
    touch("in/a.png", "in/" + "雨" * 82 + ".png")
    for arguments in (["--files-from", "list.txt", ".", "out"], ["in", "out", "--suffix", "_restored"]):
        Path("list.txt").write_text(f".\nin\n{'n' * 300}.png\nin/a.png\n")
        result = run_here("derain", *arguments, "--dry-run", "--json")
        planned = [json.loads(line) for line in result.stdout.splitlines()]
        assert result.returncode == 1 and [line["input"] for line in planned if line["status"] == "planned"] == [
            "in/a.png"
        ]
        assert "Traceback" not in result.stderr and ("too long" in result.stderr or "too long" in result.stdout)


def test_links_out_of_the_folder_are_refused_and_circles_not_followed(here):
    touch("secret/s.png", "in/a.png", "in/sub/b.png")
    Path("in/inside.png").symlink_to("sub/b.png")
    Path("in/outside.png").symlink_to(here / "secret/s.png")
    Path("in/broken.png").symlink_to("nothing.png")
    Path("in/self.png").symlink_to("self.png")
    Path("in/folder").symlink_to(here / "secret")
    Path("in/sub/circle").symlink_to(here / "in")
    assert run_here("derain", "in", "in", "--suffix", "_clean", "--dry-run").returncode == 1
    for arguments in (["in", "--recursive"], ["in/**/*"]):
        result = run_here("derain", *arguments, "out", "--dry-run")
        assert result.returncode == 1
        assert result.stdout.splitlines() == [
            "in/a.png -> out/a.png",
            "in/inside.png -> out/inside.png",
            "in/sub/b.png -> out/sub/b.png",
        ]
        assert (
            "'in/outside.png' is a link to a file outside 'in'" in result.stderr
            and "'in/broken.png' is a link to nothing" in result.stderr
        )
        assert "self.png" in result.stderr
    result = run_here("derain", "in", "out", "--recursive", "--dry-run")
    assert (
        "'in/folder' is a link to a file outside 'in'" in result.stderr
        and "'in/sub/circle' is a link to a folder" in result.stderr
    )
    assert plan("in/outside.png", "named.png") == {"in/outside.png": "named.png"}


def test_a_mask_beside_the_measurements_is_no_measurement(here):
    touch("in/scene.mat", "in/mask.mat")
    result = run_here("sci", "in", "out", "--mask", "in/mask.mat", "--dry-run")
    assert (result.returncode, result.stdout) == (0, "in/scene.mat -> out/scene.tif\n"), result.stderr


# What it becomes


def test_a_suffix_and_outputs_beside_their_inputs(here):
    touch("in/a.png", "in/b.tar.jpg")
    assert plan("in", "in", "--suffix", "_clean") == {
        "in/a.png": "in/a_clean.png",
        "in/b.tar.jpg": "in/b.tar_clean.jpg",
    }
    touch("in/a_clean.png")
    result = run_here("derain", "in", "in", "--suffix", "_clean", "--dry-run", "--overwrite")
    assert result.stdout.splitlines() == ["in/a.png -> in/a_clean.png", "in/b.tar.jpg -> in/b.tar_clean.jpg"]
    assert "'in/a_clean.png' is an output of this batch" in result.stderr
    refusal("in", "out", "--suffix", "../x", code=2)
    refusal("in/a.png", "out.png", "--suffix", "_clean", code=2)


def test_the_output_folder_is_never_an_input(here):
    touch("in/a.png", "in/done/a.png")
    assert plan("in", "in/done", "--recursive", "--overwrite") == {"in/a.png": "in/done/a.png"}


@pytest.mark.parametrize(
    "names", [("a.png", "a.jpg"), ("A.png", "a.png"), ("\u00e9.png", "e\u0301.png"), ("x/STRASSE.png", "x/straße.png")]
)
def test_two_inputs_with_one_output_are_found_before_any_work(here, names):
    touch(*(f"in/{name}" for name in names))
    message = refusal("in", "out", "--recursive", "--ext", "png", code=2)
    assert all(f"in/{name}" in message for name in names) and "would both become" in message


def test_flat_lists_collide_and_mirrored_ones_do_not(here):
    touch("in/x/a.png", "in/y/a.png")
    Path("list.txt").write_text("in/x/a.png\nin/y/a.png\n")
    assert "common folder" in refusal("--files-from", "list.txt", "out", code=2)
    assert len(plan("--files-from", "list.txt", "in", "out")) == 2


def test_an_output_that_is_an_input_is_refused_even_with_overwrite(here):
    touch("x/a.png", "y/a.png")
    for link in ("hard.png", "soft.png"):
        (os.link if link.startswith("hard") else os.symlink)(here / "x/a.png", link)
        assert "same file" in refusal("x/a.png", link, "--overwrite", code=2)
    touch("in/a.png", "in/sub/a.png")
    Path("list.txt").write_text("in/a.png\nin/sub/a.png\n")
    assert "which is another input" in refusal("--files-from", "list.txt", "in", "in/sub", "--overwrite", code=2)


def test_the_mask_is_neither_missing_nor_replaced(here):
    touch("scene.mat", "mask.mat", "in/scene.mat")
    for arguments in (["scene.mat", "mask.mat"], ["in", "."]):
        arguments = [*arguments, "--ext", "mat"] if "in" in arguments else arguments
        mask = "mask.mat" if "in" not in arguments else "scene.mat"
        result = run_here("sci", *arguments, "--mask", mask, "--overwrite", "--dry-run")
        assert result.returncode == 2 and "another input" in result.stderr
    result = run_here("sci", "in", "out", "--mask", "maks.mat", "--dry-run")
    assert result.returncode == 66 and "did you mean 'mask.mat'" in result.stderr


def test_a_photo_that_has_the_name_of_an_output_is_kept(here):
    touch("in/a.jpg", "in/a.tif")
    result = run_here("rgb2hsi", "in", "in", "--dry-run")
    assert result.returncode == 73 and "'in/a.tif' exists already" in result.stderr
    result = run_here("rgb2hsi", "in", "in", "--dry-run", "--overwrite")
    assert result.returncode == 2 and "'in/a.tif'" in result.stderr


def test_outputs_that_exist_are_found_before_any_work(here):
    touch("in/a.png", "in/b.png", "in/c.png", "out/b.png", "out/c.png")
    message = refusal("in", "out", code=73)
    assert "'out/b.png' exists already, and so do 1 more" in message and "--overwrite" in message
    assert len(plan("in", "out", "--overwrite")) == 3


def test_a_link_in_the_output_folder_does_not_lead_out_of_it(here):
    touch("in/sub/a.png", "in/b.png")
    Path("elsewhere").mkdir()
    Path("out").mkdir()
    Path("out/sub").symlink_to(here / "elsewhere")
    result = run_here("derain", "in", "out", "--recursive", "--dry-run")
    assert result.returncode == 1 and result.stdout == "in/b.png -> out/b.png\n"
    assert "'out/sub/a.png' lies outside 'out'" in result.stderr


def test_what_the_output_may_be(here):
    touch("in/a.png", "in/b.png", "file.png")
    assert "output folder" in refusal("in", "one.png", code=2)
    assert "output folder" in refusal("in", "file.png", code=2)
    assert "mkdir -p" in refusal("in", "no/such/out", code=73)
    assert ".png" in refusal("in", "out", "--ext", "xyz", code=2)
    assert plan("file.png", "new/") == {"file.png": "new/file.png"}
    assert "input" in refusal("in", code=2)


def test_help_shows_batches_by_example(here):
    shown = run_here("deblur", "--help").stdout
    for part in (
        "deblur photos/ restored/ --recursive",
        "| glmha deblur --files-from - --null",
        "deblur - - --ext tif",
    ):
        assert part in " ".join(shown.split())
    touch("photos/a/b.jpg")
    assert plan("photos/**/*.jpg", "restored/", "--suffix", "_derain") == {"photos/a/b.jpg": "restored/a/b_derain.jpg"}
    assert plan("photos/", "restored/", "--recursive") == {"photos/a/b.jpg": "restored/a/b.jpg"}


# Parts


def test_shards_are_all_files_once_and_stay_the_same_when_others_come_and_go(here):
    touch(*(f"in/{i % 3}/{i}.png" for i in range(60)))
    parts = [plan("in", "out", "-r", "--shard", f"{i}/4") for i in (1, 2, 3, 4)]
    assert all(5 < len(part) < 30 for part in parts)
    assert sorted(name for part in parts for name in part) == sorted(plan("in", "out", "-r"))
    for name in list(parts[0])[::2]:
        Path(name).unlink()
    touch("in/new.png")
    again = plan("in", "out", "-r", "--shard", "2/4")
    assert again.keys() - {"in/new.png"} == parts[1].keys()
    for wrong in ("0/4", "5/4", "1", "a/b", "1/0", "-1/4"):
        refusal("in", "out", f"--shard={wrong}", code=2)


@given(names=st.sets(st.text(min_size=1, alphabet=st.characters(exclude_characters="/\0"))), count=st.integers(1, 9))
def test_each_name_is_in_one_shard(names, count):
    for name in names:
        assert sum(Shard(i, count).has(Path("x") / name) for i in range(1, count + 1)) == 1


def test_a_dry_run_loads_neither_network_nor_torch(here):
    touch("in/a.png")
    code = (
        "import sys\nsys.argv = ['glmha', 'derain', 'in', 'out', '--dry-run']\nfrom glmha_cli.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\nassert 'torch' not in sys.modules\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert (result.returncode, result.stdout) == (0, "in/a.png -> out/a.png\n"), result.stderr


def test_formats_that_are_only_read_become_others_and_it_is_said_once(here):
    touch("in/a.heic", "in/b.HEIC", "in/c.avif", "in/d.bmp", "in/e.png")
    result = run_here("derain", "in", "out", "--dry-run", "--json")
    outputs = [Path(json.loads(line)["output"]).name for line in result.stdout.splitlines()]
    assert outputs == ["a.jpg", "b.jpg", "c.jpg", "d.png", "e.png"]
    assert result.stderr.count(".heic as .jpg") == 1 and ".bmp as .png" in result.stderr and "--ext" in result.stderr
    assert set(plan("in", "out", "--ext", "tif").values()) == {os.path.join("out", f"{stem}.tif") for stem in "abcde"}
