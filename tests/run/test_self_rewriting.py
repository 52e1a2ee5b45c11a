"""Traces of FLEQ instructions that rewrite their own words while they run."""

from __future__ import annotations

import pytest

from looped import api
from looped.image import Image
from looped.isa.fleq import Operation, Selector, encode
from looped.reference.fleq import Fleq
from looped.run.session import Session
from looped.traces.record import Record
from looped.verify.records import reference_records
from tests.conftest import compiled
from tests.machines.fleq.stepping import Setting, program
from tests.run.test_replay import without_loop
from tests.seeds import rng

MEMORY, SIDE = 64, 2
PLAIN, TURNED = (Selector.I, Selector.J), (Selector.J, Selector.I)
COPY = encode(Operation("copy", PLAIN, rows=2, cols=2))
ADD = encode(Operation("add", PLAIN, TURNED, rows=2, cols=2, judge=True))
HALT = encode(Operation("copy", judge=True)), 60, 0, 60, 60, -1

ITSELF = {
    "its operation": ({40: ADD, 41: 50, 42: 44, 43: 20}, [COPY, 40, 0, 0, 0, 0]),
    "its operand": ({40: 48, 41: 49, 42: 5, 43: 6}, [COPY, 40, 0, 1, 0, 0]),
    "its result": ({40: 52, 41: 7, 42: 8, 43: 9}, [COPY, 40, 0, 3, 0, 0]),
    "its size": ({40: COPY & ~(15 << 13), 41: 1, 42: 2, 43: 3}, [COPY, 40, 0, 0, 0, 0]),
    "into a trap": ({40: 4, 41: 1, 42: 2, 43: 3}, [COPY, 40, 0, 0, 0, 0]),
    "its flag": ({40: 1, 41: 45, 42: 62, 43: 6}, [ADD, 40, 56, 3, 61, 0]),
}


def image(name: str) -> Image:
    data, own = ITSELF[name]
    words = [*own, *HALT, *[0] * (MEMORY - 12)]
    for address, word in data.items():
        words[address] = word
    return Image("fleq", 32, tuple(w % (1 << 32) for w in words), {"fleq.side": SIDE})


def records(program: Image, workers: int, limit: int, engine: str) -> list[Record]:
    """The records of a run, which equal those of the reference."""
    machine = compiled("fleq", 32, MEMORY, side=SIDE).with_workers(workers)
    run = Session(machine, program, api.choose_engine(machine, engine))
    found = list(run.journal(limit))
    wanted = reference_records(program, machine.plan, b"")
    for number, record in enumerate(found):
        assert without_loop(record) == without_loop(next(wanted)), number
    return found


EACH = [pytest.param(n, marks=[] if n == "its operation" else pytest.mark.slow) for n in ITSELF]


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", EACH)
def test_a_record_has_what_each_loop_did(name: str, workers: int) -> None:
    assert records(image(name), workers, 4, "event")


@pytest.mark.parametrize("name", EACH)
def test_a_step_has_what_each_loop_did(name: str) -> None:
    program, machine = image(name), compiled("fleq", 32, MEMORY, side=SIDE)
    run = Session(machine, program, api.choose_engine(machine, "event"))
    plain = Fleq(program.words, 32, MEMORY, side=SIDE)
    for step in run.walk(4):
        assert step == plain.step()
    assert run.steps > 0


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["event", "lifted"])
def test_random_programs_that_store_over_themselves(engine: str) -> None:
    chance = rng(7)
    for number in range(12):
        words = program(chance, Setting(SIDE, MEMORY), length=6, large=True)
        for at in range(0, 36, 6):
            if chance.random() < 0.5:
                words[at + 3] = (at + chance.randrange(-3, 6)) % MEMORY
        found = Image("fleq", 32, tuple(words), {"fleq.side": SIDE})
        assert records(found, 1 << number % 3, 6, engine)
