"""Terms that a user has to accept once, and where it is remembered."""

from collections.abc import Callable

from glmha_cli.errors import UsageError
from glmha_cli.io.atomic import atomic_output
from glmha_cli.weights.hub import own_folder
from glmha_cli.weights.manifest import ModelEntry


def require_acceptance(entry: ModelEntry, *, accept: bool, say: Callable[[str], None]) -> None:
    """Return if the model's terms are accepted, now or before; changed terms have to be accepted again.

    Raises UsageError, which shows the terms.
    """
    if not entry.terms:
        return
    record = own_folder("licences") / f"{entry.id}.txt"
    if record.is_file() and record.read_bytes() == entry.terms.encode():
        return
    if not accept:
        raise UsageError(
            f"the licence of '{entry.id}' has to be accepted once: {entry.terms}",
            "add --accept-licence if you accept it",
        )
    say(f"accepted: {entry.terms}")
    with atomic_output(record, overwrite=True) as temporary:
        temporary.write_bytes(entry.terms.encode())
