"""Flow: whether an instruction calls a function or returns from one."""

from __future__ import annotations

from enum import Enum

__all__ = ["Flow"]


class Flow(Enum):
    """What an instruction does to the stack of calls."""

    NEITHER = 0
    CALL = 1
    RETURN = -1
