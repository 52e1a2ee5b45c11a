"""--attention, --positions, --norm, --stack, --snap, --beta: which transformer is compiled."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import click

from looped.artefact.architecture import CHOICES, Architecture

__all__ = ["architecture_options"]

F = TypeVar("F", bound=Callable[..., Any])

_HELP = {
    "attention": "How columns are mixed.",
    "positions": "How columns know their address.",
    "norm": "The norm of each block, and where it is.",
    "stack": "How the blocks follow one another.",
}


def architecture_options(command: F) -> F:
    """The options of an architecture; the command gets `architecture` and `beta`."""

    @wraps(command)
    def gathered(
        attention: str | None,
        positions: str | None,
        norm: str | None,
        stack: str | None,
        snap: bool,
        **rest: Any,
    ) -> Any:
        given = {"attention": attention, "positions": positions, "norm": norm, "stack": stack}
        chosen = {name: value for name, value in given.items() if value is not None}
        architecture = Architecture(**chosen, snap=snap)
        return command(architecture=architecture, **rest)

    for name, known in reversed(list(CHOICES.items())):
        option = click.option(
            f"--{name}",
            type=click.Choice(known),
            show_default=known[0],
            help=_HELP[name],
        )
        gathered = option(gathered)
    snap = click.option(
        "--snap", is_flag=True, help="Set lanes to the nearest of -1 and +1 before each sub-layer."
    )
    beta = click.option(
        "--beta",
        type=float,
        metavar="NUMBER",
        help="The inverse temperature of all heads. By default so high that softmax underflows.",
    )
    return cast(F, snap(beta(gathered)))
