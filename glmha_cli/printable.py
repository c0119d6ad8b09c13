"""Names of files as they may be shown: what is no sign, or turns the direction of signs, is written as an escape."""

from collections.abc import Mapping


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Text with the names that people know in place of paths, such as `stdin` for a file that stands in for it."""
    for path, name in names.items():
        text = text.replace(path, name)
    return text


def printable(text: str, *, kept: str = "") -> str:
    """Text with control characters as escapes, but those `kept`: names of files hold them, and terminals obey them."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign in kept else sign.encode("unicode_escape").decode() for sign in text
    )
