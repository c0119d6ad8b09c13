"""Errors are also Python's own of the same meaning, and still say one line and a hint."""

import pytest

from glmha_cli.errors import BadDataError, GlmhaError, NoInputError, UsageError
from glmha_cli.io.atomic import atomic_output


@pytest.mark.parametrize(
    ("error", "builtin"), [(UsageError, ValueError), (BadDataError, ValueError), (NoInputError, FileNotFoundError)]
)
def test_callers_may_catch_either(error, builtin, tmp_path):
    with pytest.raises(builtin) as caught:
        raise error("what is wrong", "what to type")
    assert isinstance(caught.value, GlmhaError)
    assert (str(caught.value), caught.value.message, caught.value.hint) == (
        "what is wrong",
        "what is wrong",
        "what to type",
    )
    about = caught.value.about(tmp_path)
    assert type(about) is error and about.message == f"'{tmp_path}': what is wrong" and about.hint == "what to type"


def test_an_error_of_ours_goes_through_writing_as_it_is(tmp_path):
    """NoInputError is an OSError, which writing reports as a full disk or the like."""
    with pytest.raises(NoInputError, match="no such mask"), atomic_output(tmp_path / "out", overwrite=False):
        raise NoInputError("no such mask")
