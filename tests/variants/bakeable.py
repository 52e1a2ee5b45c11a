"""Random SUBLEQ programs that can be baked: code and data are apart."""

from __future__ import annotations

from hypothesis import strategies as st

from looped.image import Image
from looped.profiles.case import Case

__all__ = ["bakeable"]

_WIDTH, _MEMORY = 8, 32
_ONES, _MOST = (1 << _WIDTH) - 1, 6


@st.composite
def bakeable(draw: st.DrawFn) -> Case:
    """A program for 32 words of 8 bits. It branches to any of its instructions, also by an address
    beyond memory that wraps, to itself, and out of the positive numbers; its last one jumps."""
    count = draw(st.integers(1, _MOST))
    first = 3 * (count + 1)
    places = st.sampled_from([k * 3 + beyond for k in range(count + 1) for beyond in (0, _MEMORY)])
    targets = st.one_of(places, places, st.integers(128, _ONES))
    data = st.integers(first, _MEMORY - 1)
    words = draw(st.lists(st.integers(0, _ONES), min_size=_MEMORY, max_size=_MEMORY))
    for pc in range(0, first - 3, 3):
        a, b = draw(st.one_of(data, data, st.just(_ONES))), draw(st.one_of(data, st.just(_ONES)))
        words[pc : pc + 3] = a, b, draw(targets)
    end = draw(data)
    words[first - 3 : first] = end, end, draw(targets)
    return Case(Image("subleq", _WIDTH, tuple(words)), draw(st.binary(max_size=4)))
