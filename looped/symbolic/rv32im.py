"""RV32IM: the instructions of RV32I, and each loop of a multiplication or a division.

The proof compares base instructions with the reference. An instruction of the extension takes 10
loops or 18, and each of them is a step of the schoolbook. The steps of a quotient make quotient and
remainder of two magnitudes. Tests, not the proof, show that those of a product make the product,
and that the last loop gives a quotient the signs of the reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import z3

from looped.reference import Rv32im
from looped.symbolic.cases import Case, paths_of
from looped.symbolic.euclid import Division, divided, divides_within
from looped.symbolic.lemmas import lemma
from looped.symbolic.loop import Claim, Loop
from looped.symbolic.quotient import quotient_step
from looped.symbolic.remainder import Remainder
from looped.symbolic.rows import Rows
from looped.symbolic.rv32i import claims_after, held, nothing, step
from looped.symbolic.schoolbook import Scratch, finished, is_quotient, started, stepped
from looped.symbolic.unfinished import (
    END,
    FIRST_OF_PRODUCT,
    SCRATCH,
    held_within,
    instruction,
    operands,
    scratch,
)

__all__ = ["loops_of_extension", "rv32im_cases"]


def rv32im_cases(loop: Loop) -> Iterator[Case]:
    """A hart in a trap, one that executes a base instruction, and each loop of an M instruction."""
    trapped = loop.registers["trap"] == 1
    running, idle, extension, within = _states(loop)
    for name, given in (
        ("any state in a trap", (trapped, *idle)),
        ("any state between instructions", (*running, *idle)),
        ("any state within one", within),
    ):
        yield Case(name, given, (*loop.claims,))
    yield Case("in a trap", (trapped, *idle), (*nothing(loop),))
    yield from paths_of(
        "a base instruction",
        (*running, *idle, z3.Not(extension)),
        lambda paths: step(loop, paths, Rv32im),
        lambda after: [*claims_after(loop, after), *_zero(loop)],
    )
    yield from loops_of_extension(loop)


def loops_of_extension(loop: Loop) -> Iterator[Case]:
    """The first loop of an M instruction, a step of a product and of a quotient, the last loop."""
    now = loop.registers
    running, idle, extension, within = _states(loop)
    yield Case("the first loop", (*running, *idle, extension), (*_begun(loop),))
    middle, last = now["count"] != END, now["count"] == END
    divides = is_quotient(operands(loop)[0])
    yield _step_of_product(loop, (*within, middle, z3.Not(divides)))
    yield _step_of_quotient(loop, (*within, middle, divides))
    yield Case("the last loop", (*within, last), (*_ended(loop), *_zero(loop)))
    division = divides_within(loop, now)
    ends = (*within, last, divides)
    yield Case("the end of a quotient", ends, (divided(loop, division),), aside=(division,))


class _States(NamedTuple):
    """Conditions: not in a trap; between instructions; the instruction is one of the extension;
    and what holds within such an instruction."""

    running: tuple[z3.BoolRef, ...]
    idle: tuple[z3.BoolRef, ...]
    extension: z3.BoolRef
    within: tuple[z3.BoolRef, ...]


def _states(loop: Loop) -> _States:
    now, word = loop.registers, instruction(loop)
    running = (now["trap"] != 1, *held(loop, now))
    idle = (*(now[name] == 0 for name in SCRATCH),)
    extension = z3.And(z3.Extract(6, 0, word) == 0b0110011, z3.Extract(31, 25, word) == 1)
    within = (*running, now["busy"] == 1, extension, *held_within(loop, now))
    return _States(running, idle, extension, within)


def _zero(loop: Loop) -> list[Claim]:
    return [Claim(f"`{name}` stays zero", loop.following()[name] == 0) for name in SCRATCH]


def _equal(found: Scratch, wanted: Scratch) -> list[Claim]:
    pairs = zip(Scratch._fields, found, wanted, strict=True)
    return [Claim(f"`{name}` after the loop", one == other) for name, one, other in pairs]


def _same_place(loop: Loop, *premises: Claim | z3.BoolRef) -> list[Claim]:
    """The instruction is unfinished: nothing that a program sees changes.

    What holds within an instruction follows from `premises`, if there are any.
    """
    kept = [claim for claim in nothing(loop) if not claim.what.startswith(_QUOTED)]
    following = dict(loop.following())
    goes_on = Claim("`busy` is set", following["busy"] == 1)
    what, stand = "what holds within an instruction", z3.And(*held_within(loop, following))
    stands = lemma(what, stand, *premises) if premises else Claim(what, stand)
    return [*kept, goes_on, stands]


_QUOTED = tuple(f"`{name}`" for name in SCRATCH)


def _begun(loop: Loop) -> list[Claim]:
    following = dict(loop.following())
    funct3, a, b = operands(loop)
    divides = is_quotient(funct3)
    after = _equal(scratch(following), started(funct3, a, b))
    first = z3.If(divides, z3.BitVecVal(0, 5), z3.BitVecVal(FIRST_OF_PRODUCT, 5))
    counts = Claim("`count` begins", following["count"] == first)
    division = z3.Implies(divides, divides_within(loop, following))
    division_begins = lemma("division begins", division, *after[:2], counts)
    return [*after, counts, *_same_place(loop), division_begins]


def _step_of_product(loop: Loop, given: tuple[z3.BoolRef, ...]) -> Case:
    rows = Rows(loop)
    claims = (*rows.claims(), *_schoolbook(loop, _wanted(loop, rows)), *_same_place(loop))
    return Case("a step of a product", given, claims, rows.names)


def _step_of_quotient(loop: Loop, given: tuple[z3.BoolRef, ...]) -> Case:
    rows = Rows(loop)
    left, wanted = Remainder(loop, rows), _wanted(loop, rows)
    after, division = _schoolbook(loop, wanted), Division(loop, left)
    words, lemmas = quotient_step(loop, rows, left, wanted)
    following = dict(zip(("partial", "low"), after, strict=False)) | {"count": after[-1]}
    stays = _same_place(loop, lemmas[-1], *after, *given)
    claims = (*rows.claims(), *lemmas, *after, *stays, *division.claims(following))
    names = (*rows.names, *words, *division.names)
    return Case("a step of a quotient", given, claims, names, (division.before,))


def _wanted(loop: Loop, rows: Rows) -> Scratch:
    """The working registers after a step by the schoolbook."""
    funct3, _, b = operands(loop)
    last = loop.registers["count"] == END - 1
    return stepped(funct3, last, scratch(loop.registers), b, rows.total.word)


def _schoolbook(loop: Loop, wanted: Scratch) -> list[Claim]:
    """The working registers after a step are as wanted, and the count is one more."""
    following, now = loop.following(), loop.registers
    counts = Claim("`count` is one more", following["count"] == now["count"] + 1)
    return [*_equal(scratch(following), wanted), counts]


def _ended(loop: Loop) -> list[Claim]:
    following, now = loop.following(), loop.registers
    funct3, _, b = operands(loop)
    word, number = instruction(loop), z3.BitVec("any register", 5)
    place = z3.BitVec("any place", loop.circuit.address_bits)
    rd, behind = z3.Extract(11, 7, word), now["pc"] + 4
    outside = z3.Not(z3.And(*held(loop, {**now, "pc": behind, "cause": z3.BitVecVal(0, 4)})))
    trap = z3.If(outside, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))
    written = z3.And(number == rd, rd != 0)
    result = z3.If(written, finished(funct3, scratch(now), b), loop.file.at(number))
    return [
        Claim("`pc` after the loop", following["pc"] == behind),
        Claim("`trap` after the loop", following["trap"] == trap),
        Claim("`cause` after the loop", following["cause"] == z3.ZeroExt(3, trap)),
        Claim("memory stays", loop.memory_after(place) == loop.memory.at(place)),
        Claim("registers after the loop", loop.file_after(number) == result),
    ]
