"""The interpreters in C do what the reference does."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import looped
from benchmarks.peers import peer
from looped import api, registry
from looped.image import Image
from looped.reference import Rv32i, Subleq
from looped.verify.expected import Expected
from tests.engines.lifted.specialised.loops import riscv_loop, subleq_loop
from tests.seeds import rng

pytestmark = pytest.mark.skipif(not peer.available(), reason="needs gcc")

PROGRAMS = Path(__file__).parents[2] / "programs"


@pytest.mark.parametrize("width", [8, 16, 32])
def test_subleq(width: int) -> None:
    plan, random = api.compile_machine("subleq", width, 64).plan, rng(f"peer {width}")
    for _ in range(20):
        words = tuple(subleq_loop(random, width, 64))
        reference, done = Subleq(words, width, 64), 0
        while done < 500 and not reference.halted and not asks(reference):
            reference.step()
            done += 1
        found = peer.run(Image("subleq", width, words), plan, done)
        assert (found.steps, found.pc) == (done, reference.pc)
        assert found.memory == tuple(reference.memory)


def asks(machine: Subleq) -> bool:
    """Whether the next instruction is one of input or output."""
    operands = (machine.memory[(machine.pc + n) % len(machine.memory)] for n in range(2))
    return (1 << machine.width) - 1 in operands


@pytest.mark.parametrize("name", ["rv32i", "rv32im"])
def test_riscv(name: str) -> None:
    plan, random = api.compile_machine(name, 32, 64).plan, rng(f"peer {name}")
    for _ in range(30):
        image = looped.assemble(PROGRAMS / "rv32i" / "hello.s")
        words = tuple(riscv_loop(random, 64, name))
        image = dataclasses.replace(image, machine=name, words=words, symbols={}, source_map=())
        reference, done = registry.machine(name).reference(words, 32, 64, b"", image.entry), 0
        assert isinstance(reference, Rv32i)
        while done < 2000 and not reference.halted:
            reference.step()
            done += 1
        done -= reference.halted  # an instruction that traps is not complete
        found = peer.run(image, plan, done + 10 if reference.halted else done)
        assert (found.steps, found.pc) == (done, reference.pc)
        assert found.memory == tuple(reference.memory)
        assert found.registers == tuple(reference.x)


def test_system_calls() -> None:
    image = looped.assemble(PROGRAMS / "rv32i" / "echo.s")
    plan = looped.compile(image).plan
    expected = Expected(image, plan, b"a line\n")
    while not expected.halted:
        expected.step()
    assert peer.run(image, plan, 1 << 62, b"a line\n").output == bytes(expected.output)
