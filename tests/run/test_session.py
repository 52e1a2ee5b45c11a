"""One session, run in stretches and walked step by step, on every engine."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import looped
from looped import api
from looped.engines.auto import ENGINES
from looped.image import Image
from looped.run.interrupts import End
from looped.run.session import Session
from looped.run.streams import Input, Output
from looped.trace import Step
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


def test_output_is_kept_without_a_stream() -> None:
    hello = looped.assemble(ROOT / "programs" / "subleq" / "hello.sasm")
    machine = looped.compile(hello)
    run = Session(machine, hello, api.choose_engine(machine, "lifted"))
    assert run.run() is End.HALTED
    assert run.output.kept == b"Hello, looped transformer!\n"
