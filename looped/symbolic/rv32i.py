"""RV32I: its kinds of states, and what the manual says about each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import z3

from looped.errors import ProofError
from looped.image import Regions
from looped.reference import Rv32i
from looped.symbolic.cases import Case, paths_of
from looped.symbolic.cells import Cells
from looped.symbolic.integers import Integer, same
from looped.symbolic.loop import Claim, Loop
from looped.symbolic.paths import Paths

__all__ = ["After", "claims_after", "held", "nothing", "rv32i_cases", "step"]


class After(NamedTuple):
    """The reference after a step."""

    hart: Rv32i
    memory: Cells
    file: Cells


def rv32i_cases(loop: Loop) -> Iterator[Case]:
    """A hart in a trap, and one that executes an instruction."""
    trapped = loop.registers["trap"] == 1
    running = (z3.Not(trapped), *held(loop, loop.registers))
    yield Case("in a trap", (trapped,), (*nothing(loop),))
    yield Case("any state", (z3.Or(trapped, z3.And(*running)),), (*loop.claims,))
    yield from paths_of(
        "running",
        running,
        lambda paths: step(loop, paths, Rv32i),
        lambda after: claims_after(loop, after),
    )


def held(loop: Loop, registers: dict[str, z3.BitVecRef]) -> list[z3.BoolRef]:
    """What holds of a hart that is not in a trap, before a loop and after it."""
    pc, top = registers["pc"], loop.circuit.address_bits + 2
    return [
        z3.Extract(1, 0, pc) == 0,
        z3.Extract(31, top, pc) == _base(loop) >> top,
        registers["cause"] == 0,
    ]


def _base(loop: Loop) -> int:
    """The first address of memory. Raises ProofError for a memory of two regions."""
    bases = Regions.of(loop.circuit.parameters).bases
    if len(bases) > 1:
        raise ProofError("the proof knows one region of memory, and this machine has two")
    return bases[0]


def step(loop: Loop, paths: Paths, kind: type[Rv32i]) -> After:
    """One step of a reference from the unknown state."""
    hart = kind((), 32, 1 << loop.circuit.address_bits, base=_base(loop))
    memory, file = Cells(loop.memory, paths), Cells(loop.file, paths)
    unknown = {
        "pc": Integer.unsigned(loop.registers["pc"], paths),
        "memory": memory,
        "x": file,
    }
    for name, value in unknown.items():
        setattr(hart, name, value)
    hart.step()
    return After(hart, memory, file)


def claims_after(loop: Loop, after: After) -> list[Claim]:
    """The circuit and the reference leave the same state, and the invariants hold in it."""
    following = loop.following()
    place = z3.BitVec("any place", loop.circuit.address_bits)
    number = z3.BitVec("any register", 5)
    hart = after.hart
    return [
        Claim("`pc` after the loop", same(hart.pc, following["pc"])),
        Claim("`trap` after the loop", same(hart.trap, following["trap"])),
        Claim("`cause` after the loop", same(hart.cause, following["cause"])),
        Claim("memory after the loop", after.memory.holds(place, loop.memory_after(place))),
        Claim("registers after the loop", after.file.holds(number, loop.file_after(number))),
        Claim("x0 stays zero", loop.file_after(z3.BitVecVal(0, 5)) == 0),
        Claim(
            "the program counter is in memory, and no cause is left, unless there is a trap",
            z3.Or(following["trap"] == 1, z3.And(*held(loop, dict(following)))),
        ),
    ]


def nothing(loop: Loop) -> list[Claim]:
    """The claims that nothing changes."""
    place = z3.BitVec("any place", loop.circuit.address_bits)
    number = z3.BitVec("any register", 5)
    following = loop.following()
    return [
        *(Claim(f"`{name}` stays", following[name] == loop.registers[name]) for name in following),
        Claim("memory stays", loop.memory_after(place) == loop.memory.at(place)),
        Claim("registers stay", loop.file_after(number) == loop.file.at(number)),
    ]
