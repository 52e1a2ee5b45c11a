"""Bytes in and out between loops: at hand, or waited for."""

from __future__ import annotations

import io

from looped.engines.computer import Computer
from looped.engines.dense import DenseEngine

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
