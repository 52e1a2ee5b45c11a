"""--page: a command puts its tables into the sections of a page, or prints them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

__all__ = ["Show", "page_option", "shown_in"]

F = TypeVar("F", bound=Callable[..., Any])


class Show(Protocol):
    """Puts a table into a section of a page; or prints it, after its `heading`."""

    def __call__(self, section: str, table: str, heading: str = "") -> None: ...


def page_option(sections: str) -> Callable[[F], F]:
    """The option; `sections` says in its help where the tables go."""
    return click.option(
        "--page",
        type=click.Path(dir_okay=False, exists=True, path_type=Path),
        metavar="FILE",
        help=f"Put the tables into this page, between {sections} and `<!-- end -->`.",
    )


def shown_in(path: Path | None, *sections: str) -> Show:
    """What shows the tables. Raises FileError if the page lacks one of the sections."""
    from looped.learn.markdown import Page

    page = None if path is None else Page(path, *sections)

    def show(section: str, table: str, heading: str = "") -> None:
        if page is None:
            click.echo(heading + table)
        else:
            page.put(section, table)

    return show
