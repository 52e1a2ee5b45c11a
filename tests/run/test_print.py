"""Numbers that a machine prints: as the reference says, on every engine, in every kind of run."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped import api
from looped.artefact.checkpoint import load_machine, save_machine
from looped.artefact.plan import CompiledMachine
from looped.artefact.validity import check_plan
from looped.engines.auto import ENGINES
from looped.engines.engine import Engine
from looped.errors import CompileError, FileError
from looped.image import Image
from looped.number_format import ADDRESS, CODE, SIGNED, UNSIGNED, NumberFormat
from looped.passes.emit import compile_circuit
from looped.ports import OutputPort, Ports, PrintPort
from looped.run.checkpoint import Checkpoint, identify, load_checkpoint, prepare_checkpoint
from looped.run.computer import Computer, Event
from looped.run.interrupts import End
from looped.run.session import Session
from looped.run.streams import Input, Output
from looped.trace import Step
from looped.verify.expected import Expected
from looped.verify.lockstep import Mismatch, lockstep
from tests.conftest import examples
from tests.run.counter import ENDS_LINE, QUIET, describe, program, registered

PROGRAM = program(16, 3, ENDS_LINE + 17, 0x82, QUIET + 2, ENDS_LINE + 19, QUIET, 251)
"""Instructions of one loop and of several, with and without a line end, and quiet ones."""
PORT = PrintPort("shown", "printing", "ends")


@pytest.fixture(scope="module")
def counter() -> Iterator[CompiledMachine]:
    with registered() as machine:
        yield machine


def engine(machine: CompiledMachine, name: str) -> Engine:
    return api.choose_engine(machine, name)


def steps_of_reference(machine: CompiledMachine, image: Image) -> list[Step]:
    expected = Expected(image, machine.plan, b"")
    return list(iter(expected.step, None))


def session(machine: CompiledMachine, name: str, stream: io.BytesIO, limit: int | None) -> Session:
    source = Input(io.BytesIO())  # type: ignore[arg-type]
    return Session(machine, PROGRAM, engine(machine, name), source, Output(stream, limit))


def test_the_plan_names_the_port(counter: CompiledMachine, tmp_path: Path) -> None:
    assert counter.plan.ports == Ports(print=PORT)
    save_machine(tmp_path / "m", counter, PROGRAM)
    loaded, image = load_machine(tmp_path / "m")
    assert loaded.plan == counter.plan and image == PROGRAM


@pytest.mark.parametrize("name", ENGINES)
def test_every_lane_is_that_of_the_reference(name: str, counter: CompiledMachine) -> None:
    found = lockstep(counter, engine(counter, name), [PROGRAM], [b""])
    whole = steps_of_reference(counter, PROGRAM)
    assert found.outputs == (b"".join(step.written for step in whole),)
    assert found.halted and found.steps == len(whole) == 9


@examples(0.1)
@given(st.lists(st.lists(st.integers(0, 255), max_size=9), min_size=1, max_size=3))
def test_any_programs_agree(counter: CompiledMachine, programs: list[list[int]]) -> None:
    images = [program(*words) for words in programs]
    lockstep(counter, engine(counter, "event"), images, [b""] * len(images))


@pytest.mark.parametrize("name", ENGINES)
def test_a_step_has_the_text_of_all_its_loops(name: str, counter: CompiledMachine) -> None:
    """Whether the program is walked or run up to there; a limit counts instructions."""
    whole = steps_of_reference(counter, PROGRAM)
    assert list(Session(counter, PROGRAM, engine(counter, name)).walk()) == whole
    mixed = Session(counter, PROGRAM, engine(counter, name))
    assert mixed.run(3) is End.STEPS and mixed.steps == 3
    assert mixed.output.kept == b"".join(step.written for step in whole[:3])
    assert list(mixed.walk(5)) == whole[3:5]
    assert mixed.run() is End.HALTED and mixed.steps == 9
    assert mixed.output.kept == b"".join(step.written for step in whole)


@pytest.mark.parametrize(
    ("workers", "names"), [(1, ["lifted"]), (2, ["event"]), (4, ["event", "dense"])]
)
def test_all_workers_print_in_order(workers: int, names: Sequence[str]) -> None:
    """Each its own word, if it has one; lane by lane, walked, run and resumed."""
    with registered(workers) as machine:
        image = dataclasses.replace(PROGRAM, machine="counters")
        whole = steps_of_reference(machine, image)
        text = b"".join(step.written for step in whole)
        for name in names:
            assert lockstep(machine, engine(machine, name), [image], [b""]).outputs == (text,)
            assert list(Session(machine, image, engine(machine, name)).walk()) == whole
            run = Session(machine, image, engine(machine, name))
            assert run.run() is End.HALTED and run.output.kept == text
        assert text.startswith(
            {1: b"2 2 2.5 3 3.5 ", 2: b"2 2.1 2 2.1 2.5 2.6 3 3.5 3.6 "}.get(
                workers, b"2 2.1 2.3 2.4 2 2.1 2.3 2.5 2.6 2.9 3 3.3 3.4 3.5 3.6 3.8 3.9 "
            )
        )


def test_what_is_printed(counter: CompiledMachine) -> None:
    """The shortest decimals of a signed word with three bits behind the point."""
    stream = io.BytesIO()
    assert session(counter, "event", stream, None).run() is End.HALTED
    assert stream.getvalue() == (
        b"2 2.4 2.8 3.1 3.5 6.1 8.8\n-7 9.3 -6.5 -5.2 -4 0.1 3 5.9 8.8\n9.1 8.5 7.9 "
    )


@pytest.mark.parametrize(
    ("name", "every", "ends"),
    [("event", 1, (2, 5, 6)), ("event", 3, (3, 4, 7)), ("lifted", 2, (5,)), ("dense", 2, (5,))],
)
def test_a_resumed_run_prints_what_is_left(
    name: str, every: int, ends: tuple[int, ...], counter: CompiledMachine, tmp_path: Path
) -> None:
    """No byte is lost and none comes twice, wherever the run was left."""
    whole = b"".join(step.written for step in steps_of_reference(counter, PROGRAM))
    for end in ends:
        first, second = io.BytesIO(), io.BytesIO()
        begun = session(counter, name, first, None)
        begun.record(tmp_path / "run", every)
        assert begun.run(end) is End.STEPS
        resumed = session(counter, name, second, None)
        resumed.resume(tmp_path / "run")
        assert resumed.run() is End.HALTED and resumed.steps == 9
        assert first.getvalue() + second.getvalue() == whole


@pytest.mark.parametrize("limit", [0, 1, 7, 20])
def test_the_output_limit_counts_what_is_printed(limit: int, counter: CompiledMachine) -> None:
    stream = io.BytesIO()
    run = session(counter, "event", stream, limit)
    assert run.run() is End.OUTPUT
    whole = b"".join(step.written for step in steps_of_reference(counter, PROGRAM))
    assert stream.getvalue() == whole[:limit] and run.steps < 9


def test_a_snapshot_has_the_text_of_an_unfinished_instruction(
    counter: CompiledMachine, tmp_path: Path
) -> None:
    """Also in a file."""
    image = program(ENDS_LINE + 3, 16)
    for loops in range(1, 6):
        one, other = (
            Computer(counter.plan, engine(counter, "event"), [image.words], [b""]) for _ in "ab"
        )
        for _ in range(loops):
            one.step()
        identity = identify(counter, image)
        now = Checkpoint(identity, one.snapshot(), 0, 0, "", 0, b"", None)
        prepare_checkpoint(tmp_path / "run", now).commit()
        loaded = load_checkpoint(tmp_path / "run", identity).snapshot
        assert bool(loaded.unfinished) is (loops < 4)
        other.restore(loaded)
        assert [one.step() for _ in range(4)] == [other.step() for _ in range(4)]


def test_a_busy_loop_is_no_event_of_its_own(counter: CompiledMachine) -> None:
    """Loop by loop, the last one of an instruction has its text; in a stretch there is no other."""
    image = program(ENDS_LINE + 3, 16)
    computer = Computer(counter.plan, engine(counter, "dense"), [image.words], [b""])
    events = [computer.step()[0] for _ in range(4)]
    assert events == [
        *[Event(False, 0, 0, busy=True)] * 3,
        Event(True, 0, 1, written=b"0.9 1.8 2.6 3.5\n"),
    ]
    computer = Computer(counter.plan, engine(counter, "event"), [image.words], [b""])
    assert computer.advance(100) == (0, events[-1])


def test_lockstep_finds_a_word_that_is_not_printed(counter: CompiledMachine) -> None:
    """In the last loop by its lanes, in a loop before by the text."""
    silent = dataclasses.replace(counter.plan, formats={**counter.plan.formats, "shown": SIGNED})
    with pytest.raises(Mismatch, match="the text of the devices is b'16 ' and should be b'2 '"):
        lockstep(
            CompiledMachine(silent, counter.weights), engine(counter, "event"), [PROGRAM], [b""]
        )


@pytest.mark.parametrize(
    ("ports", "message"),
    [
        (Ports(print=PrintPort("nobody", "printing", "ends")), "name words that do not exist"),
        (Ports(print=PrintPort("value", "printing", "ends")), "words that are not registers"),
        (Ports(print=PrintPort("shown", "cpu", "ends")), "words that are not registers"),
        (Ports(print=PrintPort("shown", "left", "ends")), "flags of more than one bit"),
        (Ports(print=PrintPort("shown", "printing", "shown")), "flags of more than one bit"),
        (Ports(print=PrintPort("pc", "printing", "ends")), "prints a word that holds no number"),
        (Ports(output=OutputPort("shown", "printing"), print=PORT), "both writes bytes and prints"),
    ],
)
def test_a_plan_with_an_impossible_port_is_refused(
    ports: Ports, message: str, counter: CompiledMachine
) -> None:
    with pytest.raises(ValueError, match=message):
        check_plan(dataclasses.replace(counter.plan, ports=ports))


def test_a_file_with_an_impossible_port_is_refused(
    counter: CompiledMachine, tmp_path: Path
) -> None:
    port = dataclasses.replace(PORT, content="pc")
    plan = dataclasses.replace(counter.plan, ports=Ports(print=port))
    save_machine(tmp_path / "m", CompiledMachine(plan, counter.weights))
    with pytest.raises(FileError, match="damaged: its port prints a word that holds no number"):
        load_machine(tmp_path / "m")


@pytest.mark.parametrize("number", [ADDRESS, CODE])
def test_a_circuit_prints_only_numbers(number: NumberFormat) -> None:
    with pytest.raises(CompileError, match=f"prints `shown`, .* has the format `{number.kind}`"):
        describe(number)


def test_a_circuit_has_one_port_for_output() -> None:
    m = describe()
    with pytest.raises(CompileError, match="`counter` has a second port for output at run/test_pr"):
        m.output_port(m.output("byte", 0, 8), when=m.output("writes", 1))


def test_unsigned_numbers_are_printed_as_such() -> None:
    machine = compile_circuit(describe(UNSIGNED))
    computer = Computer(machine.plan, engine(machine, "event"), [[0x80, 0x7F]], [b""])
    assert [computer.step()[0].written for _ in range(2)] == [b"128 ", b""]
