"""A group of commands whose modules are imported when a command is used.

Importing all commands takes longer than most commands do.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import click

from looped.cli.exits import CleanGroup

__all__ = ["Late", "LateGroup"]


@dataclass(frozen=True, slots=True)
class Late:
    """A command that is not imported yet: its name, its module, its name there, its summary.

    The summary is the first sentence of its help.
    """

    name: str
    module: str
    attribute: str
    summary: str

    def load(self) -> click.Command:
        """Import the command."""
        found: click.Command = getattr(importlib.import_module(self.module), self.attribute)
        return found


class LateGroup(CleanGroup):
    """A group that lists its late commands by their summaries and imports one to use it."""

    def add_late(self, late: Late) -> None:
        """Add a command that is imported when it is used."""
        self.add_command(_Stand(late))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself."""
        found = super().get_command(ctx, cmd_name)
        if isinstance(found, _Stand):
            found = found.late.load()
            self.add_command(found, cmd_name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, as click does, without importing them."""
        limit = formatter.width - 6 - max(map(len, self.commands))
        rows = [
            (name, self.commands[name].get_short_help_str(limit))
            for name in self.list_commands(ctx)
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class _Stand(click.Command):
    """Stands for a command in the list until it is imported."""

    def __init__(self, late: Late) -> None:
        super().__init__(late.name, help=late.summary)
        self.late = late
