"""Watchpoints for reads and accesses, against the steps of the reference."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.debug.accessed import accessing
from looped.debug.expressions import parse
from looped.debug.gdb.server import Server
from looped.debug.gdb.target import PC
from looped.debug.stops import Kind
from looped.verify.expected import Expected
from tests.conftest import examples
from tests.debug.sessions import ADDER, CALLS, debugger, image
from tests.debug.test_debugger import DATA, history, small

REWRITES = """
.machine subleq
.width 8
loop:   sub  one, read          # the operand of the next instruction
read:   sub  table + 3, sum
        dec  left
        jgt  left, loop
        halt
one:    .word 1
left:   .word 3
sum:    .word 0
table:  .word 1, 2, 4, 8
"""
"""Reads another word with the same instruction each time, because it changes it."""

BYTES = """
.machine rv32i
        li   t0, 256
        lb   t1, 1(t0)
        sh   t1, 2(t0)
        lw   t2, 0(t0)
        sb   t2, 0(t0)
        lhu  t3, 2(t0)
        ebreak
"""
"""Bytes of one word: which instructions read byte 1 of it, and which access bytes 2 and 3."""


@cache
def touched(text: str) -> list[tuple[set[int], set[int]]]:
    """The columns of memory that each instruction reads, and those that it reads or writes."""
    run = debugger(text, DATA)
    expected = Expected(run.image, run.timeline.machine.plan, DATA)
    found = []
    while not expected.halted:
        step = expected.step()
        assert step is not None
        read = {each.address for each in step.reads}
        found.append((read, read | {each.address for each in step.writes}))
    return found


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        (REWRITES, "lifted"),
        (CALLS, "lifted"),
        pytest.param(ADDER, "lifted", marks=pytest.mark.slow),
        pytest.param(ADDER, "event", marks=pytest.mark.slow),
        pytest.param(REWRITES, "dense", marks=pytest.mark.slow),
        pytest.param(CALLS, "event", marks=pytest.mark.slow),
    ],
)
@examples(0.05)
@given(data=st.data())
def test_a_run_stops_where_memory_is_accessed(text: str, engine: str, data: st.DataObject) -> None:
    steps = touched(text)
    end = len(steps)
    column = data.draw(st.sampled_from(sorted({c for _, both in steps for c in both})))
    kind: Kind = data.draw(st.sampled_from(["read", "access"]))
    there = [n for n, step in enumerate(steps) if column in step[kind == "access"]]
    word = f"mem[{image(text).address(column)}]"
    values = [value for _, value, _ in history(text, word)]
    with small(data):
        run = debugger(text, DATA, engine)
        run.add_watchpoint(word, parse(word), kind, accessing(run.image.machine, [column], kind))
        for _ in range(data.draw(st.integers(1, 6))):
            here = run.timeline.steps
            if data.draw(st.booleans()):
                stop = run.resume()
                place = min((n + 1 for n in there if n >= here), default=end)
                pair = values[place - 1 : place + 1]
            else:
                stop = run.reverse_resume()
                place = max((n for n in there if n < here), default=0)
                pair = values[place : place + 2][::-1]
            assert run.timeline.steps == place
            assert stop.halted == (place == end) or not stop.halted
            assert stop.changes == () or [stop.changes[0].old, stop.changes[0].new] == pair


@pytest.mark.parametrize(
    ("packet", "stops"),
    [
        (b"3,101,1", [0x4, 0xC]),
        (b"4,101,1", [0x4, 0xC]),
        (b"4,102,2", [0x8, 0xC, 0x14]),
        (b"3,102,1", [0xC, 0x14]),
        (b"4,100,1", [0xC, 0x10]),
    ],
)
def test_gdb_hears_of_accesses_to_single_bytes(packet: bytes, stops: list[int]) -> None:
    """The run stops before the instruction, and gdb steps over it by itself."""
    run = debugger(BYTES)
    server = Server(run)
    found, name = [], b"rwatch" if packet[:1] == b"3" else b"awatch"
    assert server.answer(b"Z" + packet) == b"OK"
    while (answer := server.answer(b"c")) == b"T05%b:%b;" % (name, packet.split(b",")[1]):
        found.append(run.timeline.pc)
        assert server.answer(b"z" + packet) == b"OK" and server.answer(b"s") == b"S05"
        assert server.answer(b"Z" + packet) == b"OK"
    assert found == stops and answer == b"S04"
    back = []
    while server.answer(b"bc").startswith(b"T05%b:" % name):
        assert server.answer(b"z" + packet) == b"OK" and server.answer(b"bs") == b"S05"
        back.append(server.target.register(PC))
        assert server.answer(b"Z" + packet) == b"OK"
    assert back == stops[::-1]
