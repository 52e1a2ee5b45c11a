"""A host that lets a machine go on outside memory leaves it in a trap there, as a jump would."""

from __future__ import annotations

import pytest

from looped.engines.event import EventEngine
from looped.image import Image
from looped.isa.rv32i import encode
from looped.profiles.riscv.served import ServedHart
from looped.verify.lockstep import lockstep

MEMORY = 32
LAST = 4 * (MEMORY - 1)
FAR = 0x400
MRET, WRITE_MEPC = 0x30200073, 0x34100073 | 1 << 12

PROGRAMS = {
    "a call in the last word of memory": (4 * MEMORY, {0: encode("jal", imm=LAST), LAST: 0x73}),
    "a return to nowhere": (
        FAR,
        {0: encode("addi", 1, imm=FAR), 4: WRITE_MEPC | 1 << 15, 8: MRET},
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_traps_for_want_of_an_instruction(name: str, machine) -> None:
    place, content = PROGRAMS[name]
    image = Image(
        "rv32i", 32, tuple(content.get(4 * i, 0) for i in range(MEMORY)), addresses_per_word=4
    )
    run = ServedHart(image, MEMORY, b"")
    while not run.halted:
        run.step()
    assert (run.hart.pc, run.hart.trap, run.hart.cause) == (place, 1, 1)
    compiled = machine("rv32i", 32, MEMORY)
    assert lockstep(compiled, EventEngine(compiled), [image], [b""]).halted
