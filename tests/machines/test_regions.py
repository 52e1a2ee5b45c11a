"""RISC-V with memory anywhere in the address space, in one region or in two."""

from __future__ import annotations

import pytest

from looped import api
from looped.engines.event import EventEngine
from looped.errors import CompileError
from looped.image import Image, Regions
from looped.isa.rv32i import encode
from looped.profiles.riscv.served import ServedHart
from looped.registry import machine as registered
from looped.verify.fuzz import fuzz
from looped.verify.lockstep import lockstep
from tests.conftest import compiled

HIGH, FLASH, RAM = 0x80000000, 0x10000000, 0x20000000
MEMORY = 32

PLACES = {
    "one": {"base": HIGH},
    "odd": {"base": 0xFFFFFF80},
    "two": {"base": FLASH, "second": RAM},
    "near": {"base": 0x1000, "second": 0x1080},
}


def image(regions: Regions, *words: int, entry: int | None = None) -> Image:
    """A program in the first region."""
    padded = [0] * MEMORY
    padded[: len(regions.bases) * len(words) : len(regions.bases)] = words
    start = regions.bases[0] if entry is None else entry
    return Image("rv32i", 32, tuple(padded), entry=start, addresses_per_word=4, regions=regions)


def ends(program: Image) -> tuple[int, int]:
    """The program counter and the cause of the trap with which a program ends on both sides."""
    made = compiled("rv32i", 32, MEMORY, **program.regions.parameters)
    assert lockstep(made, EventEngine(made), [program], [b""]).halted
    run = ServedHart(program, MEMORY, b"")
    while not run.halted:
        run.step()
    return run.hart.pc, run.hart.cause


@pytest.mark.parametrize("name", PLACES)
def test_random_programs_in_lockstep_with_the_reference(name: str) -> None:
    made = compiled("rv32i", 32, MEMORY, **PLACES[name])
    engine = EventEngine(made)
    found = fuzz(made, engine, 16, seed=5)
    assert found.failure is None and engine.fallbacks == 0
    assert found.coverage.steps > 100


@pytest.mark.slow
@pytest.mark.parametrize("machine", ["rv32i", "rv32im"])
@pytest.mark.parametrize("name", PLACES)
def test_they_are_certified(name: str, machine: str) -> None:
    made = compiled(machine, 32, MEMORY, **PLACES[name])
    assert api.certify(made).certified("float32")


def test_a_call_of_nothing_is_a_trap_in_a_program_linked_high() -> None:
    assert ends(image(Regions((HIGH,)), encode("jalr", 1, 0))) == (0, 1)
    assert ends(image(Regions((HIGH,)), encode("lw", 1, 0))) == (HIGH, 5)


def test_words_of_two_regions_are_apart() -> None:
    """A store to the second region, and a load from the same offset in the first."""
    program = image(
        Regions((FLASH, RAM)),
        encode("lui", 5, imm=RAM >> 12),
        encode("sw", rs1=5, rs2=5, imm=4),
        encode("lui", 6, imm=FLASH >> 12),
        encode("lw", 7, 6, imm=4),
        encode("lw", 8, 5, imm=4),
        encode("jalr", 0, 5, imm=4 * MEMORY // 2),
    )
    assert ends(program) == (RAM + 2 * MEMORY, 1)


def test_the_host_executes_an_access_from_one_region_to_the_other() -> None:
    """The base register is just below the second region."""
    program = image(
        Regions((FLASH, RAM)),
        encode("lui", 5, imm=RAM >> 12),
        encode("addi", 6, 5, imm=-4),
        encode("sw", rs1=6, rs2=5, imm=8),
        encode("lw", 7, 6, imm=8),
        encode("beq", rs1=7, rs2=5, imm=8),
        encode("ebreak"),
        encode("lw", 7, 6, imm=0),
    )
    assert ends(program) == (FLASH + 24, 5)


@pytest.mark.parametrize(
    ("parameters", "memory"), [({"base": 0x20400}, 512), ({"base": 0, "second": 0x10000}, 1 << 16)]
)
def test_a_base_is_a_multiple_of_the_size_of_its_region(
    parameters: dict[str, int], memory: int
) -> None:
    with pytest.raises(CompileError, match=f"a memory of {memory} words is impossible"):
        registered("rv32i").check(32, memory, **parameters)
    registered("rv32i").check(32, memory // 2, **parameters)
