"""What `mkdocs build` does beside building docs/: the pages that lie elsewhere, and the reference of all commands.

The README and its neighbours at the top level become pages, and the reference is written by the command line itself, so
that neither is a copy that can grow old.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

import typer
from mkdocs.structure.files import File
from typer.cli import get_docs_for_click

from glmha_cli.cli.app import build_app

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "reporting.md",
}
LINK = re.compile(r"\[([^][]*)\]\(([^)#:\s]+)(#[^)]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=relinked(text, folder="")))
    files.append(File.generated(config, "commands.md", content=command_reference()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links from docs/ to files at the top level."""
    source = page.file.src_uri
    if source in {*PAGES.values(), "commands.md"}:
        return markdown
    return relinked(markdown, folder=posixpath.join("docs", posixpath.dirname(source)))


def relinked(text: str, *, folder: str) -> str:
    """`text` of a file in `folder` of the repository, with its links as they are among the pages.

    What is no page, such as LICENSE or a script, is named without a link.
    """

    def there(match: re.Match[str]) -> str:
        words, target, anchor = match[1], posixpath.normpath(posixpath.join(folder, match[2])), match[3] or ""
        page = PAGES.get(target, target.removeprefix("docs/") if target.startswith("docs/") else None)
        here = posixpath.relpath(folder, "docs") if folder else "."
        return words if page is None else f"[{words}]({posixpath.relpath(page, here)}{anchor})"

    return LINK.sub(there, text)


def command_reference() -> str:
    command = typer.main.get_command(build_app())
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="glmha", title="Commands")
    return text.replace("[bold]Examples[/]", "**Examples**:")
