"""A program that stands still after a hot loop: an instruction that changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from looped.engines.lifted import LiftedEngine
from looped.engines.lifted.specialised import Effort
from looped.engines.lifted.stream import Stream
from looped.image import Image
from looped.isa.rv32i import encode
from looped.run.interrupts import End
from looped.run.session import Session
from looped.verify.expected import Expected
from tests.conftest import compiled

EAGER = Effort(patience=20, share=0, beside=False)
ROUNDS = 60
Z = 20
"""The address of a zero."""

SUBLEQ = [21, 22, 9, 23, 24, 6, Z, Z, 0, *[Z, Z, 9], *[0] * 9, 1, ROUNDS, 1, 0]
"""Counts down at 22 and at 24; then the instruction at 9 subtracts zero from itself for ever."""

RISCV = [
    encode("addi", 1, 0, imm=ROUNDS),
    encode("addi", 1, 1, imm=-1),
    encode("addi", 2, 2, imm=3),
    encode("bne", 0, 1, 0, -8),
    encode("jal", imm=0),
]


@pytest.mark.parametrize(
    ("machine", "width", "memory", "words", "first"),
    [
        ("subleq", 8, 32, SUBLEQ, 3 * ROUNDS - 2),
        pytest.param("rv32i", 32, 64, RISCV, 3 * ROUNDS + 1, marks=pytest.mark.slow),
    ],
)
def test_it_stands_still_where_the_reference_does(
    machine: str, width: int, memory: int, words: list[int], first: int
) -> None:
    model = compiled(machine, width, memory)
    image = Image(machine, width, tuple(words))
    engine = LiftedEngine(model, effort=EAGER)
    session, expected = Session(model, image, engine), Expected(image, model.plan, b"")
    done = 0
    for limit in (1, 40, first - 1, first, first + 30_000):
        end = session.run(limit)
        assert end is (End.ENDLESS if limit > first else End.STEPS)
        assert session.steps == limit or limit > session.steps > first
        for _ in range(session.steps - done):
            expected.step()
        done = session.steps
        np.testing.assert_array_equal(engine.state()[0], expected.x)
    (stream,) = engine.streams
    assert isinstance(stream, Stream)
    assert stream._specialiser is not None and len(stream._specialiser.units)
    engine.step(5000)
    expected.step()
    np.testing.assert_array_equal(engine.state()[0], expected.x)
