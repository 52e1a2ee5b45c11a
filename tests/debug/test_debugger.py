"""Breakpoints, watchpoints, calls: forwards and backwards, against a plain list of places."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.debug import timeline as module
from looped.debug.expressions import parse
from tests.conftest import examples
from tests.debug.sessions import ADDER, CALLS, debugger

DATA = bytes([3, 5, 0, 0, 13])


@cache
def history(text: str, watched: str) -> list[tuple[int, int]]:
    """Program counter and value of an expression at each place."""
    run, expression = debugger(text, DATA), parse(watched)
    places = [(run.timeline.pc, expression(run.words))]
    while not run.timeline.halted:
        run.timeline.step()
        places.append((run.timeline.pc, expression(run.words)))
    return places


WATCHED = [
    (ADDER, "*sum", "lifted"),
    (ADDER, "*sum", "event"),
    (CALLS, "mem[256]", "event"),
]


@pytest.mark.parametrize(("text", "watched", "engine"), WATCHED)
@examples(0.12)
@given(data=st.data())
def test_stops_are_where_they_must_be(
    text: str, watched: str, engine: str, data: st.DataObject
) -> None:
    places = history(text, watched)
    end = len(places) - 1
    pcs = data.draw(st.sets(st.sampled_from(sorted({pc for pc, _ in places})), max_size=2))
    watches = data.draw(st.booleans())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SPACING", 5)
        patch.setattr(module, "_PERIOD", 0)
        patch.setattr(module, "_NEAR", 3)
        run = debugger(text, DATA, engine)
        for pc in pcs:
            run.add_breakpoint(pc)
        if watches:
            run.add_watchpoint(watched, parse(watched))
        changed = [n for n in range(end) if watches and places[n][1] != places[n + 1][1]]
        stops = {n for n in range(1, end + 1) if places[n][0] in pcs or n - 1 in changed} | {end}
        back = {n for n in range(end) if places[n][0] in pcs or n in changed} | {0}
        for _ in range(data.draw(st.integers(1, 6))):
            here = run.timeline.steps
            if data.draw(st.booleans()):
                stop = run.resume()
                assert run.timeline.steps == min((n for n in stops if n > here), default=end)
                assert stop.halted == (run.timeline.steps == end)
            else:
                stop = run.reverse_resume()
                assert run.timeline.steps == max((n for n in back if n < here), default=0)
                assert stop.expected is False
            if stop.changes:
                change = stop.changes[0]
                now = run.timeline.steps
                near = {value for _, value in places[max(0, now - 1) : now + 2]}
                assert {change.old, change.new} <= near and change.old != change.new


def test_a_condition_holds_where_the_run_stops() -> None:
    run = debugger(ADDER, DATA)
    condition = "*count == 3 && *sum == -8"
    made = run.add_breakpoint(0, (condition, parse(condition)))
    stop = run.resume()
    assert stop.breakpoints == (made,) and made.hits == 1
    assert parse("*count")(run.words) == 3
    assert run.resume().halted


def test_a_temporary_breakpoint_stops_once() -> None:
    run = debugger(ADDER, DATA)
    run.add_breakpoint(0, temporary=True)
    assert run.resume().breakpoints and run.timeline.pc == 0
    assert run.resume().halted and not run.breakpoints


def test_calls() -> None:
    run = debugger(CALLS)
    double = run.image.symbols["double"]
    run.until(double)
    assert run.timeline.pc == double
    run.step(2)
    assert run.next().expected, "over the call of `once`"
    assert run.timeline.pc == double + 12 and parse("$a0")(run.words) == 8
    run.finish()
    assert run.timeline.pc < double and parse("mem[256]")(run.words) == 0
    run.next()
    assert parse("mem[256]")(run.words) == 8
    run.next()
    assert parse("$a0")(run.words) == 16


def test_a_call_ends_at_a_breakpoint_inside() -> None:
    run = debugger(CALLS)
    run.until(8)
    made = run.add_breakpoint(run.image.symbols["once"])
    assert run.next().breakpoints == (made,)


def test_an_interrupt_stops_a_run() -> None:
    run = debugger(ADDER, DATA)
    for watch in (False, True):
        if watch:
            run.add_watchpoint("7", parse("7"))
        run.timeline.go_to(0)
        calls = iter([False] + [True] * 3)
        run.interrupted = calls.__next__
        assert run.resume().interrupted and 0 < run.timeline.steps < 40
        assert run.reverse_resume().interrupted
