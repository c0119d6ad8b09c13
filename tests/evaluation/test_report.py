"""Pairs by stem, means of scores, rows as plain data."""

import csv
import math

import pytest

from glmha_cli.errors import BadDataError, CannotCreateError, NoInputError
from glmha_cli.evaluation.pairs import match_by_stem
from glmha_cli.evaluation.protocols import Score
from glmha_cli.evaluation.report import Row, with_means, write_csv


def folder(path, *names):
    path.mkdir()
    for name in names:
        (path / name).touch()
    return path


def match(sources, targets):
    return match_by_stem(sources, targets, source_suffixes=(".png", ".jpg"), target_suffixes=(".png",))


def test_pairs_are_matched_by_stem_whatever_the_suffix(tmp_path):
    a, b = folder(tmp_path / "a", "2.png", "1.JPG", "notes.txt"), folder(tmp_path / "b", "1.png", "2.png")
    assert [(pair.name, pair.source.name, pair.target.name) for pair in match(a, b)] == [
        ("1", "1.JPG", "1.png"),
        ("2", "2.png", "2.png"),
    ]


@pytest.mark.parametrize(("left", "right"), [(["1.png"], ["1.png", "2.png"]), (["1.png", "2.png"], ["1.png"])])
def test_a_missing_partner_is_refused_by_name(tmp_path, left, right):
    with pytest.raises(BadDataError, match="no partner: '2'"):
        match(folder(tmp_path / "a", *left), folder(tmp_path / "b", *right))


def test_two_files_of_one_stem_are_refused(tmp_path):
    with pytest.raises(BadDataError, match="the same stem"):
        match(folder(tmp_path / "a", "1.png", "1.jpg"), folder(tmp_path / "b", "1.png"))


def test_missing_and_empty_folders_are_named(tmp_path):
    with pytest.raises(NoInputError, match="no folder"):
        match(tmp_path / "a", tmp_path / "b")
    with pytest.raises(NoInputError, match="no files"):
        match(folder(tmp_path / "a", "1.gif"), folder(tmp_path / "b", "1.png"))


def row(name, image, psnr_db, before=None):
    return Row(
        set=name,
        image=image,
        score=Score(metrics={"psnr_db": psnr_db}, facts={"crop_px": 0}),
        input_score=None if before is None else Score(metrics={"psnr_db": before}),
    )


def test_means_per_set_and_over_sets():
    """As papers do: sets count alike, however many images they have."""
    rows = with_means([row("a", "1", 10.0, 5.0), row("a", "2", 20.0, 7.0), row("b", "1", 35.0, 20.0)])
    assert [(each.set, each.score.metrics["psnr_db"], each.input_score.metrics["psnr_db"]) for each in rows[3:]] == [
        ("a", 15, 6),
        ("b", 35, 20),
        ("all sets", 25, 13),
    ]
    assert len(with_means([row("a", "1", 10.0)])) == 2


def test_records_are_plain_and_infinity_is_null():
    assert row("a", "1", math.inf, 3.25).record() == {
        "set": "a",
        "image": "1",
        "psnr_db": None,
        "input_psnr_db": 3.25,
        "crop_px": 0,
    }
    assert "input_psnr_db" not in row("a", "1", 2.0).record()


def test_csv_reads_back_and_is_not_overwritten_unasked(tmp_path):
    path = tmp_path / "scores.csv"
    records = [each.record() for each in with_means([row("a", "x, y", 10.0)])]
    write_csv(path, records)
    with path.open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [(each["image"], float(each["psnr_db"]), each["crop_px"]) for each in read] == [
        ("x, y", 10, "0"),
        ("mean", 10, ""),
    ]
    with pytest.raises(CannotCreateError):
        write_csv(path, records)
    write_csv(path, records[:1], overwrite=True)
    assert len(path.read_text().splitlines()) == 2


def test_accents_may_be_spelt_in_two_ways(tmp_path):
    """As a copy by way of a Mac spells them."""
    for folder, name in (("sources", "\u00e9t\u00e9.jpg"), ("targets", "e\u0301te\u0301.png")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).touch()
    (pair,) = match_by_stem(
        tmp_path / "sources", tmp_path / "targets", source_suffixes=(".jpg",), target_suffixes=(".png",)
    )
    assert pair.source.name == "\u00e9t\u00e9.jpg" and pair.target.name == "e\u0301te\u0301.png"
