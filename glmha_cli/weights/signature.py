"""Signatures of checkpoints, as the OpenSSF's model signing makes them: whether a key's owner signed these bytes."""

from pathlib import Path

from glmha_cli.errors import NoInputError, UsageError, WeightsUnavailableError, first_line
from glmha_cli.installed import extra_command


def require_signed(path: Path, signature: Path, key: Path) -> None:
    """Whether `signature` was made of the file `path` with the private half of the elliptic key `key` (PEM).

    No connection is opened. Raises UsageError where the extra `signing` is missing, NoInputError for a file that is,
    and WeightsUnavailableError for other bytes, another key, or what is no signature.
    """
    try:
        from model_signing import verifying
    except ModuleNotFoundError as error:
        raise UsageError(f"signatures need the package {error.name}", extra_command("signing")) from error
    for file, what in ((path, "checkpoint"), (signature, "signature"), (key, "public key")):
        if not file.is_file():
            raise NoInputError(f"no {what} '{file}'", "check the path")
    try:
        verifier = verifying.Config().use_elliptic_key_verifier(public_key=key)
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"'{key}' is not a public key", "openssl ec -in private.pem -pubout -out public.pem"
        ) from error
    try:
        verifier.verify(path.resolve(), signature)  # of the Hub's cache: the file that its link leads to
    except Exception as error:  # what is no signature makes its parsers raise anything
        is_other = "Signature mismatch" in str(error)
        reason = "its bytes are not those that were signed" if is_other else f"signature refused ({first_line(error)})"
        raise WeightsUnavailableError(f"'{path}', by '{signature}' and '{key}': {reason}") from error
