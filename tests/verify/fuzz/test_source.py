"""A case that is written as source assembles to the same words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.errors import Source
from looped.image import Image
from looped.profiles.case import Case
from looped.registry import assemble
from looped.verify.fuzz.source import source


@pytest.mark.parametrize(
    ("machine", "width", "unit"),
    [("subleq", 8, 1), ("subleq", 32, 1), ("rv32i", 32, 4), ("rv32im", 32, 4)],
)
@given(data=st.data())
def test_it_is_the_same_program(machine: str, width: int, unit: int, data: st.DataObject) -> None:
    words = data.draw(st.lists(st.integers(0, (1 << width) - 1), min_size=1, max_size=12))
    text = source(
        Case(Image(machine, width, tuple(words), addresses_per_word=unit)), ["what", "it is"]
    )
    image = assemble(Source("case", text))
    assert (image.machine, image.width) == (machine, width)
    padded = image.words + (0,) * (len(words) - len(image.words))
    assert padded == tuple(words)
