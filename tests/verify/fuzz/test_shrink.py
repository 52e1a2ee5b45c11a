"""What is left of a program is what makes it fail, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from looped.image import Image
from looped.profiles.case import Case
from looped.verify.fuzz.shrink import shrink

words = st.lists(st.integers(0, 255), min_size=4, max_size=40)


@given(words, st.binary(max_size=5), st.data())
def test_only_the_bits_that_matter_are_left(
    content: list[int], data: bytes, draw: st.DataObject
) -> None:
    """A failure that needs a few bits of some words: these are found, and no others stay."""
    places = draw.draw(st.sets(st.sampled_from(range(len(content))), max_size=4))
    masks = {place: content[place] & draw.draw(st.integers(0, 255)) for place in places}

    def fails(case: Case) -> bool:
        return all(case.image.words[place] & mask == mask for place, mask in masks.items())

    small = shrink(Case(Image("subleq", 8, tuple(content)), data), fails)
    assert small.data == b""
    assert small.image.words == tuple(masks.get(place, 0) for place in range(len(content)))
