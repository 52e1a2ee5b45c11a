"""What a proof must show of the machine in docs/add-a-machine.md."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import z3

from looped.reference import Reference
from looped.symbolic.cases import Case, paths_of
from looped.symbolic.cells import Cells
from looped.symbolic.integers import Integer, same
from looped.symbolic.loop import Claim, Loop
from looped.symbolic.paths import Paths


def prover_cases(loop: Loop) -> Iterator[Case]:
    """A halted machine, and every path of the reference through one instruction."""
    pc, following = loop.registers["pc"], loop.following()["pc"]
    place = z3.BitVec("any place", loop.circuit.address_bits)
    halted = z3.Extract(pc.size() - 1, pc.size() - 1, pc) == 1
    stays = Claim("memory stays", loop.memory_after(place) == loop.memory.at(place))

    def step(paths: Paths) -> Reference:
        machine = sys.modules["addleq"].Addleq((), pc.size(), 1 << loop.circuit.address_bits)
        machine.pc, machine.memory = Integer.unsigned(pc, paths), Cells(loop.memory, paths)
        machine.step()
        return machine

    def claims(machine: Reference) -> list[Claim]:
        memory = machine.memory.holds(place, loop.memory_after(place))
        return [Claim("`pc`", same(machine.pc, following)), Claim("memory", memory)]

    yield Case("any state", (), (*loop.claims,))
    yield Case("halted", (halted,), (Claim("`pc` stays", following == pc), stays))
    yield from paths_of("running", (z3.Not(halted),), step, claims)
