"""Checks of the result of each pass: always on in tests, elsewhere with `LOOPED_CHECK=1`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

__all__ = ["InvalidError", "checked", "checking", "ensure"]

_VARIABLE = "LOOPED_CHECK"

_T = TypeVar("_T")


class InvalidError(Exception):
    """A pass returned something invalid: a fault of the compiler, not of the circuit."""


def checking() -> bool:
    """Whether passes check what they return."""
    return os.environ.get(_VARIABLE) == "1"


def checked(result: _T, check: Callable[[_T], None]) -> _T:
    """The result of a pass, checked if checks are on. Raises InvalidError."""
    if checking():
        check(result)
    return result


def ensure(holds: object, fault: str) -> None:
    """Raise InvalidError with the fault unless the condition holds."""
    if not holds:
        raise InvalidError(fault)
