"""Case: a set of states, and the claims about a loop that begins in any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import z3

from looped.symbolic.lemmas import Name
from looped.symbolic.loop import Claim
from looped.symbolic.paths import Paths

__all__ = ["Case", "paths_of"]

After = TypeVar("After")


class Case(NamedTuple):
    """In every state in which all of `given` and `aside` holds, all `claims` hold.

    What is `aside` is long, and only claims with premises need it: others hold without it. The
    `names` stand for words of a state, so that they exclude none.
    """

    name: str
    given: tuple[z3.BoolRef, ...]
    claims: tuple[Claim, ...]
    names: tuple[Name, ...] = ()
    aside: tuple[z3.BoolRef, ...] = ()


def paths_of(
    name: str,
    given: Sequence[z3.BoolRef],
    step: Callable[[Paths], After],
    claims: Callable[[After], Sequence[Claim]],
) -> Iterator[Case]:
    """A case for every path of one step of the reference."""
    paths = Paths(given)
    for number, path in enumerate(paths.explore(lambda: step(paths)), 1):
        found: Sequence[Claim]
        if path.error is not None:
            if not isinstance(path.error, IndexError):
                raise path.error
            found = [Claim(f"the reference completes: {path.error}", z3.BoolVal(False))]
        else:
            found = claims(path.result)  # type: ignore[arg-type]
        yield Case(f"{name}, path {number}", (*given, *path.conditions), (*found,))
