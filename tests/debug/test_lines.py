"""The way back to the beginning of a source line, against a plain list of places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.debug.words import Number
from tests.conftest import examples
from tests.debug.sessions import CALLS, debugger
from tests.debug.test_debugger import history, small


def _begin(places: list[tuple[int, Number, int]], here: int, line: set[int], calls: bool) -> int:
    """The first of the places before `here` that are all in a line, place by place."""
    begin, least = here, places[here][2]
    for n in reversed(range(here)):
        pc, _, depth = places[n]
        if calls and depth > least:
            continue
        if pc not in line:
            break
        begin, least = n, depth
    return begin


@pytest.mark.parametrize("engine", ["lifted", pytest.param("event", marks=pytest.mark.slow)])
@examples(0.1)
@given(data=st.data())
def test_a_line_begins_where_it_must_begin(engine: str, data: st.DataObject) -> None:
    places = history(CALLS, "0")
    end, pcs = len(places) - 1, st.sampled_from(sorted({pc for pc, *_ in places}))
    line, stopping = data.draw(st.sets(pcs, min_size=3)), data.draw(st.sets(pcs, max_size=1))
    with small(data):
        run = debugger(CALLS, engine=engine)
        for pc in stopping:
            run.add_breakpoint(pc)
        for _ in range(data.draw(st.integers(1, 4))):
            here, calls = data.draw(st.integers(0, end - 1)), data.draw(st.booleans())
            run.timeline.go_to(here)
            stop = run.reverse_leave(line.__contains__, calls)
            begin = _begin(places, here, line, calls)
            hits = [n for n in range(begin, here + 1) if places[n][0] in stopping]
            assert run.timeline.steps == max(hits, default=begin)
            assert bool(stop.breakpoints) == bool(hits)
