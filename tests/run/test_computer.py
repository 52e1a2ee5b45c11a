"""Bytes in and out between loops: at hand, or waited for."""

from __future__ import annotations

import io

import numpy as np
import pytest

from looped.engines.dense import DenseEngine
from looped.engines.event import EventEngine
from looped.engines.lifted import LiftedEngine
from looped.errors import CompileError
from looped.run.computer import Computer

# 0: mem[15] = input, 3: put out mem[15], 6: jump to 0 while mem[15] - 0 > 0 is false: halt at -1
CAT = [2**16 - 1, 15, 0, 15, 2**16 - 1, 0, 16, 15, 2**16 - 1, 17, 17, 0, 0, 0, 0, 0, 0, 0]


def start(machine, source) -> Computer:
    compiled = machine("subleq", 16, 32)
    return Computer(compiled.plan, DenseEngine(compiled), [CAT], [source])


def run(computer: Computer) -> tuple[bytes, int, int]:
    """Output, instructions retired, loops spent waiting."""
    output, retired, waited = bytearray(), 0, 0
    while not computer.halted():
        event = computer.step()[0]
        retired += event.retired
        waited += event.waiting
        if event.emitted is not None:
            output.append(event.emitted)
    return bytes(output), retired, waited


def test_input_at_hand_never_makes_it_wait(machine) -> None:
    assert run(start(machine, b"hey")) == (b"hey\xff", 3 * 4 + 3, 0)


def test_a_stream_is_read_when_the_program_asks(machine) -> None:
    assert run(start(machine, io.BytesIO(b"hey"))) == (b"hey\xff", 3 * 4 + 3, 4)


def test_nothing_is_read_before_it_is_asked_for(machine) -> None:
    stream = io.BytesIO(b"hey")
    computer = start(machine, stream)
    assert stream.tell() == 0
    assert computer.step()[0].waiting
    assert stream.tell() == 1


def test_a_waiting_machine_stays_as_it_is(machine) -> None:
    compiled = machine("subleq", 16, 32)
    computer = Computer(compiled.plan, DenseEngine(compiled), [CAT], [io.BytesIO(b"x")])
    before = computer.memory()
    event = computer.step()[0]
    assert (event.retired, event.pc, event.next_pc) == (False, 0, 0)
    assert computer.memory().tolist() == before.tolist()


def test_a_halted_machine_is_a_fixed_point(machine) -> None:
    computer = start(machine, b"")
    run(computer)
    computer.step()
    before = computer.state()
    event = computer.step()[0]
    assert not event.retired
    assert (computer.state() == before).all()


def test_programs_of_a_batch_have_inputs_of_their_own(machine) -> None:
    compiled = machine("subleq", 16, 32)
    inputs = [b"one", b"", b"three"]
    computer = Computer(compiled.plan, DenseEngine(compiled), [CAT] * 3, inputs)
    outputs = [bytearray() for _ in inputs]
    while not all(computer.halted(i) for i in range(3)):
        for output, event in zip(outputs, computer.step(), strict=True):
            if event.emitted is not None:
                output.append(event.emitted)
    assert [bytes(o) for o in outputs] == [b"one\xff", b"\xff", b"three\xff"]


class Interrupted(Exception):
    """Ends waiting."""


class Impatient(io.BytesIO):
    """A stream that is interrupted once, when the program asks for its third byte."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.reads = 0

    def read(self, count: int | None = None, /) -> bytes:
        self.reads += 1
        if self.reads == 3:
            raise Interrupted
        return super().read(count)


def finish(computer: Computer) -> tuple[bytes, int]:
    """Output and instructions retired, in stretches."""
    output, retired = bytearray(), 0
    try:
        while not computer.halted():
            before, event = computer.advance(5)
            retired += before + event.retired
            if event.emitted is not None:
                output.append(event.emitted)
    except Interrupted:
        pass
    return bytes(output), retired


@pytest.mark.parametrize("engine", [DenseEngine, EventEngine, LiftedEngine])
def test_a_program_that_was_interrupted_while_it_waited_goes_on_elsewhere(engine, machine) -> None:
    """With its state, on another computer, or on the same one."""
    compiled = machine("subleq", 16, 32)
    source = Impatient(b"hey")
    first = Computer(compiled.plan, engine(compiled), [CAT], [source])
    output, retired = finish(first)
    assert output == b"he" and not first.halted()
    second = start(machine, io.BytesIO(b"y"))
    second.restore(first.snapshot())
    for computer in (first, second):
        rest, more = finish(computer)
        assert (output + rest, retired + more) == (b"hey\xff", 3 * 4 + 3)
    assert np.array_equal(first.state(), second.state())


def test_a_state_of_another_shape_is_no_state_of_this_machine(machine) -> None:
    large = Computer(
        machine("subleq", 16, 64).plan, DenseEngine(machine("subleq", 16, 64)), [CAT], [b""]
    )
    with pytest.raises(ValueError, match="the state has the shape .* and the machine needs"):
        start(machine, b"").restore(large.snapshot())


def test_a_state_that_is_not_all_signs_cannot_be_kept(machine) -> None:
    computer = start(machine, b"")
    computer.engine.write(0, 3, np.array([0]), [0.5])
    with pytest.raises(CompileError, match="is no longer ±1"):
        computer.snapshot()
