"""Every failure a user can meet: one line that says what is wrong, one with the next thing to type.

Exit codes are part of the interface and stay stable (docs/batches.md, "Exit codes"). Where Python has an exception for
the same thing, ours is one of those too, so that callers may catch either.
"""

from pathlib import PurePath


class GlmhaError(Exception):
    """A failure to report in one line. `hint` is what to do or type next."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type["GlmhaError"], tuple[str, str]]:
        """So that an error comes whole out of another process."""
        return type(self), (self.message, self.hint)

    def about(self, path: PurePath) -> "GlmhaError":
        """This error with the file that it is about before its message; itself where the message names it already."""
        return self if str(path) in self.message else type(self)(f"'{path}': {self.message}", self.hint)


class NotEnoughMemoryError(GlmhaError):
    """The machine cannot hold the work, however small its parts."""


class UsageError(GlmhaError, ValueError):
    """The command line or a caller asks for something that cannot be: unknown name, input equals output."""

    exit_code = 2


class BadDataError(GlmhaError, ValueError):
    """A file or an array was read, but is not what the task needs: damaged, wrong bands, wrong size."""

    exit_code = 65


class NoInputError(GlmhaError, FileNotFoundError):
    """An input file or folder is missing or cannot be opened."""

    exit_code = 66


class WeightsUnavailableError(GlmhaError):
    """No trustworthy checkpoint is at hand for what was asked."""

    exit_code = 69


class CannotCreateError(GlmhaError):
    """The output may not be made: it exists, or its folder is missing or not writable."""

    exit_code = 73


class OutputError(GlmhaError):
    """Writing began and failed: disk full, device error. Nothing is left under the final name."""

    exit_code = 74


def first_line(error: Exception) -> str:
    """What another library's exception says, without the pages that some add; its type where it says nothing."""
    return str(error).strip().split("\n")[0] or type(error).__name__


def one_line(error: GlmhaError) -> str:
    """What is wrong, and after a dash the next thing to type."""
    return f"{error.message} - {error.hint}" if error.hint else error.message
