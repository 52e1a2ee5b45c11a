"""Breakpoints, watchpoints, calls: forwards and backwards, against a plain list of places."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.debug import mover
from looped.debug import timeline as module
from looped.debug.expressions import parse
from looped.debug.search import flow_at
from looped.debug.words import Number
from tests.conftest import examples
from tests.debug.sessions import ADDER, CALLS, debugger

DATA = bytes([3, 5, 0, 0, 13])


@cache
def history(text: str, watched: str) -> list[tuple[int, Number, int]]:
    """At each place: program counter, value of an expression, how many calls deep it is."""
    run, expression = debugger(text, DATA), parse(watched)
    places, depth = [(run.timeline.pc, expression(run.words), 0)], 0
    while not run.timeline.halted:
        depth += flow_at(run.image, run.timeline.port, run.timeline.pc).value
        run.timeline.step()
        places.append((run.timeline.pc, expression(run.words), depth))
    return places


@contextmanager
def small(data: st.DataObject) -> Iterator[None]:
    """Snapshots are near each other, and stretches are short."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SPACING", 5)
        patch.setattr(module, "_PERIOD", 0)
        patch.setattr(module, "_NEAR", 3)
        patch.setattr(mover, "_SINGLE", data.draw(st.sampled_from([0, 2])))
        patch.setattr(mover, "_FIRST", data.draw(st.sampled_from([2, 16])))
        yield


WATCHED = [
    (ADDER, "*sum", "lifted"),
    (ADDER, "*(sum + *count % 2)", "lifted"),
    (ADDER, "*sum", "event"),
    pytest.param(CALLS, "mem[256]", "event", marks=pytest.mark.slow),
    (CALLS, "*($sp - 4) + $a0", "lifted"),
]


@pytest.mark.parametrize(("text", "watched", "engine"), WATCHED)
@examples(0.12)
@given(data=st.data())
def test_stops_are_where_they_must_be(
    text: str, watched: str, engine: str, data: st.DataObject
) -> None:
    places = history(text, watched)
    end = len(places) - 1
    pcs = data.draw(st.sets(st.sampled_from(sorted({pc for pc, *_ in places})), max_size=2))
    watches, conditional = data.draw(st.tuples(st.booleans(), st.booleans()))
    wanted = data.draw(st.sampled_from([value for _, value, _ in places]))
    with small(data):
        run = debugger(text, DATA, engine)
        text = f"{watched} == {wanted}"
        for pc in pcs:
            run.add_breakpoint(pc, (text, parse(text)) if conditional else None)
        if watches:
            run.add_watchpoint(watched, parse(watched))
        changed = [n for n in range(end) if watches and places[n][1] != places[n + 1][1]]
        hits = {
            n
            for n, (pc, value, _) in enumerate(places)
            if pc in pcs and (value == wanted or not conditional)
        }
        stops = {n for n in range(1, end + 1) if n in hits or n - 1 in changed} | {end}
        back = {n for n in range(end) if n in hits or n in changed} | {0}
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
                near = {value for _, value, _ in places[max(0, now - 1) : now + 2]}
                assert {change.old, change.new} <= near and change.old != change.new


@pytest.mark.parametrize("engine", ["lifted", pytest.param("event", marks=pytest.mark.slow)])
@examples(0.2)
@given(data=st.data())
def test_calls_end_where_they_must_end(engine: str, data: st.DataObject) -> None:
    places = history(CALLS, "0")
    end = len(places) - 1
    line = set(data.draw(st.lists(st.sampled_from([pc for pc, *_ in places]), max_size=8)))
    with small(data):
        run = debugger(CALLS, engine=engine)
        for _ in range(data.draw(st.integers(1, 6))):
            run.timeline.go_to(data.draw(st.integers(0, end - 1)))
            here = run.timeline.steps
            depth = places[here][2]
            later = [(n, *places[n]) for n in range(here + 1, end + 1)]
            earlier = list(range(here))
            name = data.draw(st.sampled_from(["next", "finish", "leave", "over", "back", "out"]))
            if name == "next":
                run.next()
                wanted = [n for n, _, _, at in later if at <= depth]
            elif name == "finish":
                run.finish()
                wanted = [n for n, _, _, at in later if at < depth]
            elif name == "leave":
                run.leave(line.__contains__)
                wanted = [n for n, pc, *_ in later if pc not in line]
            elif name == "over":
                run.leave(line.__contains__, calls=True)
                wanted = [n for n, pc, _, at in later if pc not in line and at <= depth]
            elif name == "back":
                run.reverse_next()
                wanted = [n for n in reversed(earlier) if places[n][2] <= depth] + [0]
            else:
                run.reverse_finish()
                wanted = [n for n in reversed(earlier) if places[n][2] < depth] + [0]
            assert run.timeline.steps == (*wanted, end)[0]


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
    assert run.resume().halted and not run.points.breakpoints


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
