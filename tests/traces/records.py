"""Records for tests, as an instruction of a small machine makes them."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

from looped.traces.record import Read, Record, RegisterWrite, Write

__all__ = ["record", "records"]

_WORDS = st.integers(0, (1 << 64) - 1)
_OPTIONAL = st.none() | _WORDS


def record(step: int = 1, **fields: object) -> Record:
    """A record with these fields; the others say that nothing happened."""
    plain = Record(
        step=step,
        loop=step,
        pc=3 * step,
        next_pc=3 * step + 3,
        code=(1, 2, 3),
        text="subleq 1, 2, 3",
        source=f"a.sasm:{step}",
        reads=(),
        writes=(),
        registers=(),
        branch=False,
        input=None,
        output="",
        trap=None,
    )
    return msgspec.structs.replace(plain, **fields)


records = st.lists(
    st.builds(
        Record,
        *[st.integers(0, 1 << 62), st.integers(0, 1 << 62), _WORDS, _WORDS],
        st.lists(_WORDS, max_size=3).map(tuple),
        st.text(max_size=5),
        st.none() | st.text(max_size=5),
        st.lists(st.builds(Read, _WORDS, _WORDS), max_size=3).map(tuple),
        st.lists(st.builds(Write, _WORDS, _WORDS, _WORDS), max_size=3).map(tuple),
        st.lists(st.builds(RegisterWrite, _WORDS, _WORDS, _WORDS), max_size=2).map(tuple),
        *[st.booleans(), _OPTIONAL, st.text(max_size=3), _OPTIONAL],
    ),
    max_size=6,
)
"""Lists of any records."""
