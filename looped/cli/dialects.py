"""--dialect: for what machine the author of a file of numbers has written it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from looped import registry

__all__ = ["dialect_option", "parameters_of"]

F = TypeVar("F", bound=Callable[..., Any])


def dialect_option(command: F) -> F:
    """--dialect, which the command gets as text or None."""
    option = click.option(
        "--dialect",
        metavar="NAMES",
        help="For files of numbers whose authors define the machine otherwise: names between "
        "commas, as in target-first,input-added; see docs/language.md.",
    )
    return option(command)


def parameters_of(machine: str | None, names: str | None) -> dict[str, int]:
    """The parameters of a machine for the dialect that an option names. Raises BadParameter."""
    chosen = machine or registry.DEFAULT_MACHINE
    known = {
        name: (parameter, value)
        for parameter in registry.machine(chosen).parameters
        for name, value in parameter.dialects.items()
    }
    found = {}
    for name in filter(None, (names or "").split(",")):
        if name not in known:
            told = "; ".join(f"{n}: {p.name}, {p.meaning}" for n, (p, _) in known.items())
            raise click.BadParameter(
                f"{chosen} has no dialect {name!r}. "
                + (f"It has {told}." if known else "It has no dialects."),
                param_hint="--dialect",
            )
        parameter, value = known[name]
        found[parameter.name] = value
    return found
