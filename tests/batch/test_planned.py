"""Plans of very many files: what they cost, and that nothing of them is lost by keeping names alone."""

import os
import time
import tracemalloc
from pathlib import Path, PurePath

import pytest

from glmha_cli.batch.inputs import Found
from glmha_cli.batch.jobs import Shard
from glmha_cli.batch.outputs import planned
from glmha_cli.batch.plan import make_plan, naming_of
from glmha_cli.batch.planned import Jobs, Names, Outputs
from glmha_cli.batch.request import BatchRequest
from glmha_cli.errors import NoInputError, UsageError
from glmha_cli.tasks.derain import DERAIN


def outputs(**options) -> Outputs:
    request = BatchRequest(inputs=["in"], output="out", **options)
    return Outputs(folder=Path("out"), naming=naming_of(DERAIN, request), overwrite=False)


def photos(count: int):
    for index in range(count):
        relative = f"{index // 1000:04d}/photo_{index:07d}.jpg"
        yield Found(Path("in", relative), PurePath(relative))


def test_inputs_come_back_as_they_were():
    problem = NoInputError("gone")
    found = [
        Found(Path("in/a/b.png"), PurePath("a/b.png")),
        Found(Path("elsewhere/c.png"), PurePath("other/c.png")),
        Found(Path(os.fsdecode(b"in/\xe9.png")), PurePath(os.fsdecode(b"\xe9.png"))),
        Found(Path("in/d.png"), PurePath("d.png"), problem),
    ]
    assert list(Names(found)) == found and Names(found)[1:3] == found[1:3]
    jobs = planned(found, outputs(suffix="_x"))
    assert [str(job.target) for job in jobs][:2] == ["out/a/b_x.png", "out/other/c_x.png"]
    assert jobs[3].problem is problem and jobs[-1].source == Path("in/d.png")


@pytest.mark.parametrize("name", ["a", ".a", "a.", "a.b.JPG", "..a", "a.tar.gz", ".a.png"])
def test_names_are_divided_as_by_pathlib(name):
    naming = outputs(suffix="_x").naming
    path = PurePath(name)
    assert naming.name_for(name) == path.stem + "_x" + naming.extension_for(path.suffix)


def test_names_with_one_hash_are_told_apart(monkeypatch):
    monkeypatch.setattr("glmha_cli.batch.planned.hash", lambda text: 1, raising=False)
    jobs = planned(photos(5), outputs())
    assert len(jobs) == 5
    with pytest.raises(UsageError, match="would both become"):
        planned([*photos(1), Found(Path("more/photo.jpg"), PurePath("0000/PHOTO_0000000.jpg"))], outputs())


def test_a_hundred_thousand_names_take_a_tenth_of_a_million(tmp_path):
    """Of a million: 60 s of a core, and 500 MB of which half is for the program."""
    tracemalloc.start()
    jobs = planned(photos(100_000), outputs())
    kept_bytes, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(jobs) == 100_000 and kept_bytes < 30e6 and peak_bytes < 40e6
    start = time.process_time()
    planned(photos(20_000), outputs())
    assert time.process_time() - start < 20_000 * 60e-6 * 3  # on a busy machine


def test_a_shard_lists_each_folder_once_and_all_parts_are_all_files(tmp_path, monkeypatch):
    for index in range(60):
        path = tmp_path / f"in/{index % 6}/{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    listed: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: (listed.append(str(folder)), scandir(folder))[1])
    parts = []
    for index in range(1, 5):
        request = BatchRequest(
            inputs=[str(tmp_path / "in")], output=str(tmp_path / "out"), recursive=True, shard=Shard(index, 4)
        )
        parts += [str(job.relative) for job in make_plan(DERAIN, request, print).jobs]
    assert len(listed) == 4 * 7
    assert sorted(parts) == sorted(f"{index % 6}/{index}.png" for index in range(60))


def test_parts_collide_where_the_whole_does():
    found = [Found(Path(f"in/a.{end}"), PurePath(f"a.{end}")) for end in ("jpg", "png")]
    with pytest.raises(UsageError, match="would both become"):
        planned(found, outputs(ext="png"))
    assert isinstance(planned(found, outputs()).part(Shard(1, 2)), Jobs)
