"""Atomic outputs: the old file, the new one or none, whatever happens while writing."""

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from glmha_cli.errors import CannotCreateError, OutputError
from glmha_cli.io.atomic import atomic_output


def write(path: Path, content: bytes, *, overwrite: bool = False) -> None:
    with atomic_output(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(content)


@pytest.mark.parametrize("name", ["a.png", "-dash.tif", "Grüße und 雨 .png", ".hidden", "x" * 251 + ".png"])
def test_writes_under_any_name_and_leaves_nothing_else(tmp_path, name):
    write(tmp_path / name, b"new")
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == b"new"


def test_the_temporary_file_is_hidden_beside_the_target_with_its_suffix(tmp_path):
    with atomic_output(tmp_path / "a.tif", overwrite=False) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".") and temporary.suffix == ".tif"
        assert not (tmp_path / "a.tif").exists()


def test_an_existing_file_needs_overwrite_and_keeps_its_permissions(tmp_path):
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    target.chmod(0o600)
    with pytest.raises(CannotCreateError) as caught:
        write(target, b"new")
    assert caught.value.hint == "--overwrite" and target.read_bytes() == b"old"
    write(target, b"new", overwrite=True)
    assert target.read_bytes() == b"new" and target.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("hard_links", [True, False])
def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path, monkeypatch, hard_links):
    def no_hard_links(source, target):
        raise OSError(errno.EPERM, "no hard links")

    if not hard_links:
        monkeypatch.setattr(os, "link", no_hard_links)
    target = tmp_path / "a.png"
    with pytest.raises(CannotCreateError), atomic_output(target, overwrite=False) as temporary:
        temporary.write_bytes(b"ours")
        target.write_bytes(b"theirs")
    assert target.read_bytes() == b"theirs" and os.listdir(tmp_path) == ["a.png"]
    write(tmp_path / "b.png", b"ours")
    assert (tmp_path / "b.png").read_bytes() == b"ours"


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError, OSError(errno.ENOSPC, "disk full")])
def test_any_exception_leaves_the_old_state(tmp_path, failure, overwrite):
    target = tmp_path / "a.png"
    if overwrite:
        target.write_bytes(b"old")
    expected = OutputError if isinstance(failure, OSError) else failure
    with pytest.raises(expected), atomic_output(target, overwrite=overwrite) as temporary:
        temporary.write_bytes(b"half")
        raise failure
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([b"old"] if overwrite else [])


def test_a_disk_that_takes_no_more_bytes_is_an_output_error(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OutputError):
            write(tmp_path / "a.png", bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_is_named_with_the_command_that_makes_it(tmp_path):
    folder = tmp_path / "not there"
    with pytest.raises(CannotCreateError) as caught:
        write(folder / "a.png", b"")
    subprocess.run(["sh", "-c", caught.value.hint], check=True)
    write(folder / "a.png", b"new")
    with pytest.raises(CannotCreateError) as caught:
        write(Path("-dash/a.png"), b"")
    assert caught.value.hint == "mkdir -p -- -dash"


@pytest.mark.parametrize("target", ["/proc/a.png", "/dev/null", "/usr"])
def test_places_that_take_no_file_are_refused_even_to_root(target):
    with pytest.raises(CannotCreateError):
        write(Path(target), b"", overwrite=True)


def test_a_pair_is_moved_inner_first_and_a_failure_leaves_neither(tmp_path):
    header, data = tmp_path / "x.hdr", tmp_path / "x.img"
    new_header = atomic_output(header, overwrite=False)
    with pytest.raises(ValueError), new_header, atomic_output(data, overwrite=False) as temporary:
        temporary.write_bytes(b"data")
        raise ValueError
    assert os.listdir(tmp_path) == []
    with atomic_output(header, overwrite=False):
        with atomic_output(data, overwrite=False):
            pass
        assert data.exists() and not header.exists()
    assert header.exists()


KILLED_WRITER = """
import sys, time
from pathlib import Path
from glmha_cli.io.atomic import atomic_output

with atomic_output(Path(sys.argv[1]), overwrite=True) as temporary:
    temporary.write_bytes(b"half")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("old", [None, b"old"])
def test_killed_while_writing_there_is_the_old_file_or_none(tmp_path, old):
    target = tmp_path / "a.png"
    if old:
        target.write_bytes(old)
    with subprocess.Popen([sys.executable, "-c", KILLED_WRITER, target], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGKILL)
    assert (target.read_bytes() if target.exists() else None) == old
    write(target, b"again", overwrite=True)
    assert target.read_bytes() == b"again"


def test_a_share_without_modes_takes_new_files_in_place_of_old_ones(tmp_path, monkeypatch):
    def no_modes(*arguments, **options):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    (tmp_path / "a.png").write_bytes(b"old")
    monkeypatch.setattr(os, "chmod", no_modes)
    write(tmp_path / "a.png", b"new", overwrite=True)
    assert (tmp_path / "a.png").read_bytes() == b"new" and os.listdir(tmp_path) == ["a.png"]


def test_a_link_whose_answer_was_lost_is_there(tmp_path, monkeypatch):
    """open(2): over NFS a link may be made although the answer says that the name is taken."""
    link = os.link

    def asked_twice(source, target):
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", asked_twice)
    write(tmp_path / "a.png", b"new")
    assert (tmp_path / "a.png").read_bytes() == b"new" and os.listdir(tmp_path) == ["a.png"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux has names of open files")
@pytest.mark.parametrize("by_link", [False, True])
def test_a_name_of_a_stream_is_never_replaced(tmp_path, by_link):
    """/dev/stdout leads to /proc/self/fd/1: as root, replacing it would take it from all that run later."""
    with (tmp_path / "shell's.txt").open("w") as stream:
        name = Path(f"/proc/self/fd/{stream.fileno()}")
        if by_link:
            (tmp_path / "stdout").symlink_to(name)
            name = tmp_path / "stdout"
        with pytest.raises(CannotCreateError, match="is a device"):
            write(name, b"new", overwrite=True)
        assert not by_link or name.is_symlink()
