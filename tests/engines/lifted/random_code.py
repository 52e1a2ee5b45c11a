"""Random straight-line code over two words of state, four cells of 16 bits and a table."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from looped.engines.lifted.code import Code

__all__ = ["random_code"]

_KINDS = [
    "add", "sub", "mul", "and", "or", "xor", "equal", "less", "negative", "ones", "select", "shl",
    "shr", "load", "table", "store", "guard",
]  # fmt: skip


def random_code(data: st.DataObject, guards: bool) -> Code:
    """Code whose loads, stores and table entries are in bounds; it leaves two words."""
    code = Code()
    values = [code.emit("state", number=0), code.emit("state", number=1), code.const(5)]
    code.tables.append(np.array([3, 1, -1, 2]))
    kinds = _KINDS if guards else _KINDS[:-1]
    for _ in range(data.draw(st.integers(1, 25))):
        some = st.sampled_from(values)
        a, b, c = (data.draw(some) for _ in range(3))
        kind = data.draw(st.sampled_from(kinds))
        low = code.mask(a, 3)
        match kind:
            case "negative" | "ones":
                values.append(code.emit(kind, a))
            case "select":
                values.append(code.emit(kind, a, b, c))
            case "shl" | "shr":
                values.append(code.shift(a, data.draw(st.integers(-9, 9))))
            case "load":
                values.append(code.emit(kind, low, most=0xFFFF))
            case "table":
                values.append(code.emit(kind, low))
            case "store":
                code.emit(kind, low, code.mask(b, 0xFFFF))
            case "guard":
                code.emit(kind, code.mask(a, data.draw(st.sampled_from([1, 1 << 40]))))
            case _:
                values.append(code.emit(kind, a, b))
    code.following = [data.draw(st.sampled_from(values)) for _ in range(2)]
    return code
