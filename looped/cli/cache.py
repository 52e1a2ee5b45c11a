"""cache: see or remove what earlier runs have kept."""

from __future__ import annotations

import json
from collections import Counter

import click

from looped.cache.store import open_cache

__all__ = ["cache"]


_HELP = """Show what earlier runs have kept, so that later ones start at once.

The first run of a machine keeps its weights, the verdict on them and machine code. Nothing in the
cache is needed: a later run makes again what is missing or damaged. The folder is `looped` in the
user's cache folder (~/.cache), or LOOPED_CACHE. An empty LOOPED_CACHE turns the cache off. A folder
that belongs to another user, or to which others can write, is not used.

\b
Examples:
  looped cache
  looped cache --json
  looped cache clear
"""


@click.group(help=_HELP, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
@click.pass_context
def cache(context: click.Context, as_json: bool) -> None:
    """Show what earlier runs have kept."""
    if context.invoked_subcommand is not None:
        return
    found = open_cache()
    entries = found.entries()
    kinds = Counter(entry.kind for entry in entries)
    size = sum(entry.size for entry in entries)
    if as_json:
        folder = None if found.path is None else str(found.path)
        click.echo(json.dumps({"folder": folder, "bytes": size, "entries": dict(kinds)}))
        return
    if found.path is None:
        click.echo("the cache is off")
        return
    shown = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    click.echo(f"{found.path}: {shown or 'empty'}; {size / 1e6:,.1f} MB")


_CLEAR = """Remove all entries of the cache.

\b
Examples:
  looped cache clear
"""


@cache.command(help=_CLEAR)
def clear() -> None:
    """Remove all entries of the cache."""
    click.echo(f"{open_cache().clear()} entries removed")
