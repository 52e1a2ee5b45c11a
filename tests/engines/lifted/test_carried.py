"""A loop that carries narrow words together does what the code says, word by word."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from looped.engines.lifted.carried import carried
from looped.engines.lifted.code import Code
from looped.engines.lifted.native import compile_code
from tests.conftest import examples
from tests.engines.lifted.evaluate import evaluate


def narrow_code(data: st.DataObject, widths: list[int]) -> Code:
    """Code that mixes words of these widths."""
    code = Code()
    masks = [(1 << width) - 1 for width in widths]
    values = [code.emit("state", number=n, most=mask) for n, mask in enumerate(masks)]
    for _ in range(data.draw(st.integers(1, 12))):
        a, b = (data.draw(st.sampled_from(values)) for _ in range(2))
        kind = data.draw(st.sampled_from(["add", "sub", "xor", "equal", "shr"]))
        values.append(code.shift(a, -1) if kind == "shr" else code.emit(kind, a, b))
    values.append(code.const(1))
    code.following = [code.mask(data.draw(st.sampled_from(values)), mask) for mask in masks]
    return code


@examples(0.25)
@given(st.data())
def test_words_of_any_width(data: st.DataObject) -> None:
    widths = data.draw(st.lists(st.sampled_from([1, 1, 3, 8, 9, 30, 64]), min_size=1, max_size=20))
    code = narrow_code(data, widths)
    numbers = [st.integers(0, (1 << width) - 1) for width in widths]
    state = np.array([data.draw(number) for number in numbers], np.uint64)
    stops = np.array([data.draw(number) & data.draw(number) for number in numbers], np.uint64)
    plain = [int(word) for word in state]
    native = compile_code(code, 16, len(widths))
    done, abandoned = native.run(state, np.zeros(1, np.uint16), stops, 4)
    passes, stopped = 0, False
    while passes < 4 and not stopped:
        values = evaluate(code, plain, [])
        assert values is not None
        plain = [values[value] for value in code.following]
        stopped = any(word & int(stop) for word, stop in zip(plain, stops, strict=True))
        passes += 1
    assert (done, abandoned, [int(word) for word in state]) == (passes, False, plain)


def test_narrow_words_share_a_group_and_no_bit() -> None:
    code = Code()
    widths = [30, *[1] * 9, 5, *[8] * 8]
    for number, width in enumerate(widths):
        code.following.append(code.emit("state", number=number, most=(1 << width) - 1))
    found = carried(code, len(widths))
    assert len(found.groups) == 3
    masks = found.masks({n: (1 << width) - 1 for n, width in enumerate(widths)})
    assert sum(mask.bit_count() for mask in masks) == sum(widths)
