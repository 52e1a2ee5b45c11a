"""SUBLEQ: its kinds of states, and what the manual says about each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import z3

from looped.reference import Subleq
from looped.symbolic.cases import Case, paths_of
from looped.symbolic.cells import Cells
from looped.symbolic.integers import Integer, same
from looped.symbolic.loop import Claim, Loop
from looped.symbolic.paths import Paths
from looped.trace import Step

__all__ = ["subleq_cases"]


class _After(NamedTuple):
    """The reference after a step, and the step."""

    reference: Subleq
    memory: Cells
    step: Step


def subleq_cases(loop: Loop) -> Iterator[Case]:
    """A halted machine, one with input (a byte or its end), one that may wait."""
    pc, ready = loop.registers["pc"], loop.registers["ready"]
    halted = z3.Extract(pc.size() - 1, pc.size() - 1, pc) == 1
    ones = z3.BitVecVal(-1, pc.size())
    byte = z3.ULE(z3.ZeroExt(1, loop.arriving), 255)
    yield Case("any state", (), (*loop.claims,))
    yield Case("halted", (halted,), (*_nothing(loop, waiting=0),))
    going = z3.Not(halted)
    for name, given, inputs in (
        ("a byte is there", (ready == 1, byte), 1),
        ("the input is at its end", (ready == 1, loop.arriving == ones), 0),
        ("no input yet", (ready == 0,), 0),
    ):
        yield from paths_of(
            name,
            (going, *given),
            lambda paths, count=inputs: _step(loop, paths, count),  # type: ignore[misc]
            lambda after, waits=name == "no input yet": _claims(loop, after, waits),  # type: ignore[misc]
        )


def _step(loop: Loop, paths: Paths, inputs: int) -> _After:
    width, size = loop.circuit.width, 1 << loop.circuit.address_bits
    dialect = {name: int(value) for name, value in loop.circuit.parameters.items()}
    reference = Subleq((), width, size, b"", 0, **dialect)
    memory = Cells(loop.memory, paths)
    arriving = Integer.unsigned(loop.arriving, paths)
    unknown = {
        "pc": Integer.unsigned(loop.registers["pc"], paths),
        "memory": memory,
        "data": [arriving] * inputs,
        "output": [],
    }
    for name, value in unknown.items():
        setattr(reference, name, value)
    return _After(reference, memory, reference.step())


def _claims(loop: Loop, after: _After, waits: bool) -> list[Claim]:
    """The claims about the state after a step; a machine that needs missing input waits instead."""
    step, following = after.step, loop.following()
    if waits and step.consumed is not None:
        return _nothing(loop, waiting=1)
    place = z3.BitVec("any place", loop.circuit.address_bits)
    emitted: object = step.emitted
    claims = [
        Claim("`pc` after the loop", same(after.reference.pc, following["pc"])),
        Claim("memory after the loop", after.memory.holds(place, loop.memory_after(place))),
        Claim("`reading` reports input", following["reading"] == int(step.consumed is not None)),
        Claim("`waiting` is zero", following["waiting"] == 0),
        Claim("`writing` reports output", following["writing"] == int(emitted is not None)),
        Claim("`out` is the byte", same(0 if emitted is None else emitted, following["out"])),
    ]
    if step.consumed is not None:
        claims.append(Claim("the word taken is the input", same(step.consumed, loop.arriving)))
    return claims


def _nothing(loop: Loop, waiting: int) -> list[Claim]:
    following = loop.following()
    place = z3.BitVec("any place", loop.circuit.address_bits)
    flags = {"reading": 0, "waiting": waiting, "writing": 0, "out": 0}
    return [
        Claim("`pc` stays", following["pc"] == loop.registers["pc"]),
        Claim("memory stays", loop.memory_after(place) == loop.memory.at(place)),
        *(Claim(f"`{name}` is {value}", following[name] == value) for name, value in flags.items()),
    ]
