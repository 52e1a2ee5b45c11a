"""Records from tapes are the reference's steps, on every machine and every engine."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import looped
from looped import api, registry
from looped.artefact.plan import CompiledMachine
from looped.engines.auto import ENGINES
from looped.engines.certified import Certified
from looped.engines.lifted import passes as lifted_passes
from looped.errors import Source
from looped.image import Image
from looped.run.interrupts import End
from looped.run.session import Session
from looped.run.streams import Input
from looped.traces.record import Record
from looped.verify.records import reference_records
from tests.conftest import compiled, examples
from tests.run.test_session import ASKS, LOOP, STORES, Deaf

ROOT = Path(__file__).parents[2]
NAMES = ("auto", *ENGINES)
_SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in NAMES if name != "event"]


def reference(machine: CompiledMachine, image: Image, data: bytes = b"") -> Iterator[Record]:
    """What the records must be, except `loop`."""
    return reference_records(image, machine.plan, data)


def without_loop(record: Record) -> Record:
    return msgspec.structs.replace(record, loop=0)


def compare(run: Session, data: bytes, limit: int | None = None) -> list[Record]:
    """All records of a run, which equal those of the reference."""
    records = list(run.journal(limit))
    for found, wanted in zip(records, reference(run.machine, run.image, data), strict=False):
        assert without_loop(found) == without_loop(wanted)
    assert [record.step for record in records] == list(range(1, run.steps + 1))
    whole = reference(run.machine, run.image, data)
    assert run.end is not End.HALTED or len(list(whole)) == len(records)
    return records


@pytest.mark.slow
@pytest.mark.parametrize("engine", NAMES)
@pytest.mark.parametrize(
    ("name", "data", "bake"),
    [
        ("subleq/echo.sasm", b"hi", False),
        ("subleq/echo.sasm", b"hi", True),
        ("rv32i/hello.s", b"", False),
        ("rv32im/primes.s", b"", False),
    ],
)
def test_records_are_those_of_the_reference(
    name: str, data: bytes, bake: bool, engine: str
) -> None:
    image = looped.assemble(ROOT / "programs" / name)
    machine = looped.compile(image, bake=bake)
    run = Session(machine, image, api.choose_engine(machine, engine), data)
    records = compare(run, data, 40 if engine == "dense" else 400)
    assert len(records) > 5 and all(record.text and record.source for record in records)


@pytest.mark.parametrize("engine", [*_SLOW, "event"])
@pytest.mark.parametrize("source", [STORES, ASKS])
def test_traps_and_what_leaves_no_trace(source: str, engine: str) -> None:
    image = registry.assemble(Source("a.s", source), machine="rv32i")
    machine = looped.compile(image, 64)
    records = compare(Session(machine, image, api.choose_engine(machine, engine), b"Q"), b"Q")
    assert any(record.trap is not None for record in records)


def test_old_values_and_the_code_are_those_before_the_instruction() -> None:
    """`LOOP` changes words that it reads; here the second instruction changes the first."""
    image = Image("subleq", 8, (12, 1, 3, 13, 1, 0, 0, 0, 0, 0, 0, 0, 3, 255, 0, 0))
    machine = compiled("subleq", 8, 32)
    run = Session(machine, image, api.choose_engine(machine, "lifted"))
    records = compare(run, b"", 200)
    assert records[0].code == (12, 1, 3) and records[2].code == (12, 255, 3)
    assert [write.old for write in records[1].writes] == [write.new for write in records[0].writes]


@given(st.binary(min_size=30, max_size=32), st.binary(max_size=3))
@examples(0.3)
def test_random_programs(words: bytes, data: bytes) -> None:
    image = Image("subleq", 8, tuple(words))
    machine = compiled("subleq", 8, 32)
    compare(Session(machine, image, api.choose_engine(machine, "lifted"), data), data, 30)


@pytest.mark.slow
def test_several_workers() -> None:
    image = looped.assemble(ROOT / "programs" / "fleq" / "power.fleq")
    machine = looped.compile(image).with_workers(2)
    compare(Session(machine, image, api.choose_engine(machine, "event")), b"", 6)


@pytest.mark.slow
def test_a_step_of_several_loops_counts_them() -> None:
    image = registry.assemble(Source("a.s", "li a0, 9\ndiv a1, a0, a0\nebreak\n"), machine="rv32im")
    machine = looped.compile(image, 32)
    loops = []
    for engine in ("lifted", "dense"):
        records = compare(Session(machine, image, api.choose_engine(machine, engine)), b"")
        loops.append([record.loop for record in records])
    assert loops == [[1, 19, 20]] * 2


def test_a_full_tape_and_a_pass_that_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records go on over the ends of tapes, and a value that is not ±1 for a while."""
    machine = compiled("subleq", 8, 32)
    run = Session(machine, LOOP, api.choose_engine(machine, "lifted"))
    engine = run.computer.engine
    assert isinstance(engine, Certified)
    whole = []
    for limit in (10, 5000, 5001, 9000):
        whole += list(run.journal(limit))
        engine._single_pass(0)  # one loop beside the session, as if in a fallback
        run.computer.pcs[0] = run.computer.pc()
    assert engine.fallbacks == 4
    wanted = reference(machine, LOOP)
    seen = [next(wanted) for _ in range(9004)]
    del seen[10], seen[5000], seen[5001], seen[9000]
    assert [(r.pc, r.writes, r.reads) for r in whole] == [(r.pc, r.writes, r.reads) for r in seen]
    assert lifted_passes.ROOM < 4990


@pytest.mark.parametrize("engine", [*_SLOW, "event"])
def test_a_wait_that_was_stopped(engine: str, tmp_path: Path) -> None:
    """A trace ends before the instruction that waits; that of the resumed run begins with it."""
    image = registry.assemble(Source("asks.s", ASKS), machine="rv32i")
    machine = looped.compile(image, 64)
    run = Session(machine, image, api.choose_engine(machine, engine), Deaf())
    run.record(tmp_path / "run", None)
    first = list(run.journal())
    assert (run.end, len(first)) == (End.TIME, 6)
    source = Input(io.BytesIO(b"Q"))  # type: ignore[arg-type]
    again = Session(machine, image, api.choose_engine(machine, engine), source)
    again.resume(tmp_path / "run")
    records = [*first, *again.journal()]
    wanted = list(reference(machine, image, b"Q"))
    assert [without_loop(r) for r in records] == [without_loop(r) for r in wanted]


@pytest.mark.parametrize("engine", NAMES)
def test_a_machine_that_waits_for_a_stream_makes_no_step(engine: str) -> None:
    image = looped.assemble(ROOT / "programs" / "subleq" / "echo.sasm")
    machine = looped.compile(image)
    source = Input(io.BytesIO(b"hey"))  # type: ignore[arg-type]
    records = compare(Session(machine, image, api.choose_engine(machine, engine), source), b"hey")
    assert [record.loop for record in records] == [record.step for record in records]
    assert "".join(record.output for record in records) == "hey"


def test_run_walk_and_journal_in_turn() -> None:
    machine = compiled("subleq", 8, 32)
    run = Session(machine, LOOP, api.choose_engine(machine, "lifted"))
    first = list(run.journal(5))
    run.run(40)
    steps = list(run.walk(44))
    last = list(run.journal(50))
    wanted = list(zip(range(50), reference(machine, LOOP), strict=False))
    found = [*first, *[None] * 39, *last]
    assert all(r is None or r.writes == w.writes for r, (_, w) in zip(found, wanted, strict=True))
    assert [s.pc for s in steps] == [w.pc for _, w in wanted[40:44]]
