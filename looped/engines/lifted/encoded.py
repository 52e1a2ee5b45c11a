"""Straight-line code as arrays, for the cache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from looped.engines.lifted.code import Code, Instruction

__all__ = ["decoded", "encoded"]

_NOBODY = -1

_OPERATIONS = (
    "const", "state", "load", "table", "add", "sub", "mul", "and", "or", "xor", "shl", "shr",
    "equal", "less", "negative", "ones", "select", "store", "guard",
)  # fmt: skip


def encoded(code: Code) -> dict[str, npt.NDArray[Any]]:
    """The instructions, the tables one after the other, and the driver's words after the pass."""
    rows = [(*i.operands, _NOBODY, _NOBODY, _NOBODY)[:3] for i in code.instructions]
    return {
        "operations": np.array(
            [_OPERATIONS.index(i.operation) for i in code.instructions], np.int8
        ),
        "operands": np.array(rows, np.int32).reshape(len(rows), 3),
        "numbers": np.array([i.number for i in code.instructions], np.uint64),
        "following": np.array(code.following, np.int64),
        "tables": np.concatenate([np.zeros(0, np.int64), *code.tables]),
        "ends": np.cumsum([len(table) for table in code.tables], dtype=np.int64),
    }


def decoded(arrays: Mapping[str, npt.NDArray[Any]]) -> Code:
    """The code. Raises KeyError for missing arrays."""
    rows = zip(
        arrays["operations"].tolist(),
        arrays["operands"].tolist(),
        arrays["numbers"].tolist(),
        strict=True,
    )
    instructions = [
        Instruction(_OPERATIONS[operation], tuple(o for o in operands if o != _NOBODY), number)
        for operation, operands, number in rows
    ]
    tables = np.split(arrays["tables"], arrays["ends"][:-1]) if len(arrays["ends"]) else []
    return Code(instructions, list(tables), arrays["following"].tolist())
