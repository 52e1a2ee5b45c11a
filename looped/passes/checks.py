"""Whether each pass checks what it leaves: always in tests, in use with `LOOPED_CHECK=1`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

__all__ = ["InvalidError", "checked", "checking", "ensure"]

_VARIABLE = "LOOPED_CHECK"

_T = TypeVar("_T")


class InvalidError(Exception):
    """A pass left something that is not valid: a fault of the compiler, not of the circuit."""


def checking() -> bool:
    """Whether passes are to check what they leave."""
    return os.environ.get(_VARIABLE) == "1"


def checked(left: _T, check: Callable[[_T], None]) -> _T:
    """What a pass left, after a look at it if that is asked for. Raises InvalidError."""
    if checking():
        check(left)
    return left


def ensure(holds: object, fault: str) -> None:
    """Raise InvalidError, with what is wrong, unless something holds."""
    if not holds:
        raise InvalidError(fault)
