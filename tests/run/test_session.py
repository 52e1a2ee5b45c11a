"""One session, run in stretches and walked step by step, on every engine."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import looped
from looped import api, registry
from looped.engines.auto import ENGINES
from looped.errors import Source
from looped.image import Image
from looped.run.interrupts import End, Stop
from looped.run.session import Session
from looped.run.streams import Input, Output
from looped.trace import Step
from looped.verify.expected import Expected
from tests.conftest import compiled

ROOT = Path(__file__).parents[2]
LOOP = Image("subleq", 8, (12, 13, 3, 14, 12, 6, 15, 15, 0, 0, 0, 0, 251, 7, 1, 0))
"""Changes words 12 and 13 in a loop without end."""


def session(engine: str, image: Image = LOOP, **options: object) -> Session:
    machine = compiled("subleq", image.width, 32)
    return Session(machine, image, api.choose_engine(machine, engine), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ENGINES)
def test_run_and_walk_in_turn(engine: str) -> None:
    """Steps are the same whatever was run at once before: also many loops, on a fast engine."""
    whole = list(session("dense").walk(70))
    mixed = session(engine)
    found: list[Step | None] = []
    for limit, walks in ((3, True), (5, False), (6, True), (50, False), (52, True), (70, True)):
        if walks:
            found += mixed.walk(limit)
        else:
            assert mixed.run(limit) is End.STEPS
            found += [None] * (limit - len(found))
        assert mixed.steps == limit == len(found)
    assert all(step in (None, expected) for step, expected in zip(found, whole, strict=True))


def test_a_step_has_what_has_changed_since_the_step_before() -> None:
    """Also where a walk was left in the middle, and the program was run on."""
    one = session("event")
    walk = one.walk()
    first = [next(walk) for _ in range(2)]
    walk.close()
    one.run(9)
    assert [step.writes for step in first] == [s.writes for s in session("dense").walk(2)]
    assert list(one.walk(12)) == list(session("dense").walk(12))[9:]


def test_why_a_session_has_ended() -> None:
    echo = looped.assemble(ROOT / "programs" / "subleq" / "echo.sasm")
    machine = looped.compile(echo)
    for limit, bytes_, end, output in (
        (None, None, End.HALTED, b"hello"),
        (3, None, End.STEPS, None),
        (None, 2, End.OUTPUT, b"he"),
    ):
        stream = io.BytesIO()
        run = Session(
            machine,
            echo,
            api.choose_engine(machine, "event"),
            Input(io.BytesIO(b"hello")),  # type: ignore[arg-type]
            Output(stream, bytes_),
        )
        assert run.end is None
        assert run.run(limit) is run.end is end
        assert output is None or stream.getvalue() == output


ASKS = """
    li t0, 1
    li t1, 2
    li a0, 0
    li a1, 200
    li a2, 1
    li a7, 63
    ecall               # reads a byte
    li a7, 93
    ecall
"""


class Deaf(Input):
    """No byte is at hand; whoever waits is stopped the first time."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(b"Q"))  # type: ignore[arg-type]
        self.stopped = False

    def _at_hand(self) -> bool:
        if not self.stopped:
            self.stopped = True
            raise Stop(End.TIME)
        return True


@pytest.mark.parametrize("resumes", [False, True])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_wait_that_was_stopped_is_one_step_of_a_walk(
    engine: str, resumes: bool, tmp_path: Path
) -> None:
    """Whatever an engine did at once before it waited: `steps` has all that is done, a limit is
    kept, and the step that waited is complete."""
    image = registry.assemble(Source("asks.s", ASKS), machine="rv32i")
    machine = looped.compile(image, 64)
    expected = Expected(image, machine.plan, b"Q")
    whole = [expected.step() for _ in range(9)]
    run = Session(machine, image, api.choose_engine(machine, engine), Deaf())
    run.record(tmp_path / "run", None)
    assert (run.run(), run.steps) == (End.TIME, 6)
    if resumes:
        source = Input(io.BytesIO(b"Q"))  # type: ignore[arg-type]
        run = Session(machine, image, api.choose_engine(machine, engine), source)
        run.resume(tmp_path / "run")
    assert run.run(6) is End.STEPS and run.steps == 6
    assert list(run.walk()) == whole[6:]
    assert (run.steps, run.end) == (9, End.HALTED)


def test_output_is_kept_without_a_stream() -> None:
    hello = looped.assemble(ROOT / "programs" / "subleq" / "hello.sasm")
    machine = looped.compile(hello)
    run = Session(machine, hello, api.choose_engine(machine, "lifted"))
    assert run.run() is End.HALTED
    assert run.output.kept == b"Hello, looped transformer!\n"


@pytest.mark.parametrize("engine", ENGINES)
def test_steps_are_those_of_the_reference(engine: str) -> None:
    """Complete: reads, writes, registers, cause, input and output, with all values."""
    held = [
        ("subleq/echo.sasm", b"hi", False),
        ("subleq/echo.sasm", b"hi", True),
        ("rv32i/hello.s", b"", False),
        ("rv32im/primes.s", b"", False),
    ]
    for name, data, bake in held:
        image = looped.assemble(ROOT / "programs" / name)
        machine = looped.compile(image, bake=bake)
        run = Session(machine, image, api.choose_engine(machine, engine), data)
        expected = Expected(image, machine.plan, data)
        for number, step in enumerate(run.walk(20 if engine == "dense" else 400)):
            assert step == expected.step(), (name, number)
        assert run.steps > 5


STORES = """
    sw x0, 96(x0)       # what is there already
    lw a0, 96(x0)
    lw x0, 0(x0)
    lb x0, 3(x0)
    sb x0, 99(x0)
    lw a1, 400(x0)      # which traps
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_what_leaves_no_trace_in_the_residual_stream_is_in_the_steps(engine: str) -> None:
    """Loads, loads to x0, stores of the value that was there; and what a trap stops is not."""
    image = registry.assemble(Source("stores.s", STORES), machine="rv32i")
    machine = looped.compile(image, 32)
    steps = list(Session(machine, image, api.choose_engine(machine, engine)).walk())
    expected = Expected(image, machine.plan, b"")
    assert steps == [expected.step() for _ in range(6)]
    assert [len(step.writes) for step in steps] == [1, 0, 0, 0, 1, 0]
    assert [len(step.reads) for step in steps] == [0, 1, 1, 1, 0, 0]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_instruction_whose_successor_is_outside_memory_has_completed(engine: str) -> None:
    last = Image("rv32i", 32, (*[0x13] * 31, 0x00002023), entry=124, addresses_per_word=4)
    machine = looped.compile(last, 32)
    steps = list(Session(machine, last, api.choose_engine(machine, engine)).walk())
    assert steps == [Expected(last, machine.plan, b"").step()]
    assert (len(steps[0].writes), steps[0].cause) == (1, 1)
