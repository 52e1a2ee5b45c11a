"""A program that jumps to itself for ever is over; one that only seems to do so is not."""

from __future__ import annotations

import pytest

from looped import api
from looped.errors import Source
from looped.registry import assemble
from looped.run.interrupts import End
from looped.run.session import Session
from tests.conftest import compiled


def session(source: str, machine: str = "subleq", width: int | None = None) -> Session:
    image = assemble(Source("test", source), machine=machine, width=width)
    made = compiled(machine, image.width, 64 if machine == "subleq" else 256)
    return Session(made, image, api.choose_engine(made, "auto"))


STILL = {
    "subleq": "add one, x\nhere: subleq zero, zero, here\nzero: .word 0\none: .word 1\nx: .word 0",
    "rv32i": "addi x1, x0, 5\nsw x1, 64(x0)\nj .",
    "a branch": "addi x1, x0, 5\nhere: bne x1, x0, here",
    "a jump by a register": "auipc x1, 0\naddi x1, x1, 8\njalr x0, 0(x1)",
}


@pytest.mark.parametrize("name", STILL)
def test_a_jump_to_itself_ends_the_run(name: str) -> None:
    run = session(STILL[name], "subleq" if name == "subleq" else "rv32i")
    assert run.run(100_000) is End.ENDLESS
    assert not run.computer.halted() and 3 <= run.steps < 100_000
    again = session(STILL[name], "subleq" if name == "subleq" else "rv32i")
    steps = list(again.walk())
    assert again.end is End.ENDLESS and [s.pc for s in steps[-2:]] == [run.computer.pc()] * 2


def test_a_step_limit_comes_first() -> None:
    run = session(STILL["rv32i"], "rv32i")
    assert run.run(2) is End.STEPS


def test_an_instruction_that_jumps_to_itself_and_changes_something_goes_on() -> None:
    """It counts down from 0 to -128, then 127 is above zero."""
    source = "here: subleq one, x, here\nhalt\none: .word 1\nx: .word 0"
    run = session(source, "subleq", 8)
    assert run.run(1000) is End.HALTED
    steps = list(session(source, "subleq", 8).walk())
    assert len(steps) == run.steps > 129


def test_a_loop_of_two_instructions_is_no_jump_to_itself() -> None:
    run = session("here: nop\nj here", "rv32i")
    assert run.run(300) is End.STEPS and run.steps == 300


def test_a_word_that_the_host_polls_is_served_first() -> None:
    source = "li x1, 3\nla x2, tohost\nsw x1, 0(x2)\nj .\n.globl tohost\ntohost: .word 0\n.word 0"
    run = session(source, "rv32i")
    assert run.run(100_000) is End.HALTED
    assert run.host is not None and run.host.exit_code == 1
