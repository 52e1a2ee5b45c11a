"""What an instruction of RV32IMA accesses, by its word and the state of the hart."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from looped.artefact.plan import Plan
from looped.devices.accesses import Accesses
from looped.devices.machine_mode_accesses import has_completed, machine_mode_accesses
from looped.errors import Source
from looped.image import Image
from looped.registry import assemble
from tests.conftest import compiled

A0, A1, A2, MEPC, MCAUSE, MTVAL, RESERVATION = 10, 11, 12, 33, 34, 35, 36


@dataclass
class Port:
    """A hart at address 0 whose registers and words of the CPU are zero, but for some."""

    image: Image
    registers: dict[int, int] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)
    size: int = 64

    @property
    def plan(self) -> Plan:
        return compiled("rv32ima", 32, 64).plan

    def memory(self, index: int) -> int:
        return self.image.words[index]

    def register(self, number: int) -> int:
        return self.registers.get(number, 0)

    def cpu(self, name: str) -> int:
        return self.words.get(name, 0)


def told(text: str, registers: dict[int, int] | None = None, **words: int) -> Accesses:
    image = assemble(Source("p.s", text), machine="rv32ima")
    return machine_mode_accesses(image, Port(image, registers or {}, words))


@pytest.mark.parametrize(
    ("text", "reads", "writes", "registers"),
    [
        ("amoadd.w a0, a1, (a2)", (5,), (5,), (A0,)),
        ("amoswap.w zero, a1, (a2)", (5,), (5,), ()),
        ("lr.w a0, (a2)", (5,), (), (RESERVATION, A0)),
        ("sc.w a0, a1, (a2)", (), (), (A0,)),
        ("lw a0, 4(a2)", (6,), (), (A0,)),
        ("sw a0, 4(a2)", (), (6,), ()),
        ("csrrw a0, mepc, a1", (), (), (MEPC, A0)),
        ("csrrs a0, mepc, zero", (), (), (A0,)),
        ("csrrci zero, mcause, 1", (), (), (MCAUSE,)),
        ("csrw mstatus, a0", (), (), ()),
        ("mret", (), (), ()),
        ("amoadd.w a0, a1, (a1)", (), (), ()),
    ],
)
def test_an_instruction_accesses(
    text: str, reads: tuple[int, ...], writes: tuple[int, ...], registers: tuple[int, ...]
) -> None:
    assert told(text, {A1: 1 << 20, A2: 20}) == Accesses(reads, writes, registers)


def test_sc_writes_where_the_reservation_is() -> None:
    text = "sc.w a0, a1, (a2)"
    for address, reserved, writes in ((20, 1, (5,)), (24, 1, ()), (20, 0, ())):
        found = told(text, {A2: 20, RESERVATION: address}, reserved=reserved)
        assert found == Accesses(writes=writes, registers=(A0,))


def test_the_way_to_a_handler_and_the_last_loop() -> None:
    assert told("nop", entering=1) == Accesses(registers=(MEPC, MCAUSE, MTVAL))
    assert told("nop", deliver=1, receiver=A1) == Accesses(registers=(A1,))
    assert told("nop", deliver=1) == Accesses()


@pytest.mark.parametrize(
    ("entering", "interrupt", "cause", "completed"),
    [(0, 0, 0, True), (1, 0, 2, False), (1, 0, 0, False), (1, 0, 1, True), (1, 1, 0, True)],
)
def test_a_trap_into_a_handler_stops_an_instruction(
    entering: int, interrupt: int, cause: int, completed: bool
) -> None:
    image = assemble(Source("p.s", "nop"), machine="rv32ima")
    words = {"entering": entering, "interrupt": interrupt, "cause": cause}
    assert has_completed(Port(image, words=words)) is completed
