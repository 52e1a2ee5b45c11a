"""RV32IM: the instructions of RV32I, and each loop of a multiplication or a division.

The proof compares base instructions with the reference. An instruction of the extension takes 34
loops; this module says what each of them does, by the schoolbook: multiply by adding and shifting
right, divide by shifting left and subtracting where that is possible. Tests, not the proof, show
that 34 of these steps make the product or the quotient of the reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import z3

from looped.reference import Rv32im
from looped.symbolic.cases import Case, paths_of
from looped.symbolic.loop import Claim, Loop
from looped.symbolic.rv32i import claims_after, held, nothing, step

__all__ = ["Scratch", "finished", "rv32im_cases", "started", "stepped"]

_STEPS = 32
_SCRATCH = ("busy", "count", "high", "low", "negative", "opposite", "negate")


class Scratch(NamedTuple):
    """The unfinished product or quotient: two words, and three bits about signs.

    If the dividend is `negative`, the remainder in `high` and the rest of the dividend in `low` are
    complements; if the quotient will be negative, its bits in `low` are complements.
    """

    high: z3.BitVecRef
    low: z3.BitVecRef
    negative: z3.BoolRef
    opposite: z3.BoolRef
    negate: z3.BoolRef


def started(funct3: z3.BitVecRef, a: z3.BitVecRef, b: z3.BitVecRef) -> Scratch:
    """The state after the first loop: the first operand, and the signs of a signed division."""
    signed = z3.Or(funct3 == 4, funct3 == 6)
    negative = z3.And(signed, a < 0)
    return Scratch(
        z3.If(negative, z3.BitVecVal(-1, 32), z3.BitVecVal(0, 32)),
        z3.If(negative, ~-a, a),
        negative,
        z3.And(signed, (a < 0) != (b < 0)),
        z3.And(signed, (a < 0) != (b < 0), b != 0),
    )


def stepped(funct3: z3.BitVecRef, last: z3.BoolRef, s: Scratch, b: z3.BitVecRef) -> Scratch:
    """The state after one of the 32 loops in the middle."""
    divides = z3.Extract(2, 2, funct3) == 1
    high, low = _multiplied(funct3, last, s, b)
    rest, quotient = _divided(funct3, s, b)
    return s._replace(high=z3.If(divides, rest, high), low=z3.If(divides, quotient, low))


def finished(funct3: z3.BitVecRef, s: Scratch) -> z3.BitVecRef:
    """The result, which the last loop takes from the two words."""
    one, zero = z3.BitVecVal(1, 32), z3.BitVecVal(0, 32)
    quotient, rest = s.low + z3.If(s.negate, one, zero), s.high + z3.If(s.negative, one, zero)
    product = z3.If(funct3 == 0, s.low, s.high)
    return z3.If(z3.ULT(funct3, 4), product, z3.If(z3.ULT(funct3, 6), quotient, rest))


def _multiplied(
    funct3: z3.BitVecRef, last: z3.BoolRef, s: Scratch, b: z3.BitVecRef
) -> tuple[z3.BitVecRef, z3.BitVecRef]:
    """Add b if the multiplier is odd, subtract it for a sign bit, and shift right."""
    signed = z3.ULT(funct3, 2)
    wide_b, wide = (z3.If(signed, z3.SignExt(2, x), z3.ZeroExt(2, x)) for x in (b, s.high))
    odd = z3.Extract(0, 0, s.low) == 1
    takes = z3.And(last, z3.Or(funct3 == 1, funct3 == 2))
    total = z3.If(odd, z3.If(takes, wide - wide_b, wide + wide_b), wide)
    low = z3.Concat(z3.Extract(0, 0, total), z3.Extract(31, 1, s.low))
    return z3.Extract(32, 1, total), low


def _divided(
    funct3: z3.BitVecRef, s: Scratch, b: z3.BitVecRef
) -> tuple[z3.BitVecRef, z3.BitVecRef]:
    """Take the next bit of the dividend, and subtract the divisor where it fits."""
    rest = z3.If(s.negative, ~s.high, s.high)
    top = z3.Extract(31, 31, z3.If(s.negative, ~s.low, s.low))
    more, by = z3.Concat(rest, top), z3.ZeroExt(1, _divisor(funct3, b))
    fits = z3.UGE(more, by)
    left = z3.Extract(31, 0, z3.If(fits, more - by, more))
    bit = z3.If(fits != s.negate, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))
    return z3.If(s.negative, ~left, left), z3.Concat(z3.Extract(30, 0, s.low), bit)


def _divisor(funct3: z3.BitVecRef, b: z3.BitVecRef) -> z3.BitVecRef:
    """The magnitude of the divisor."""
    return z3.If(z3.And(z3.Or(funct3 == 4, funct3 == 6), b < 0), -b, b)


def rv32im_cases(loop: Loop) -> Iterator[Case]:
    """A hart in a trap, one that executes a base instruction, and each loop of an M instruction."""
    now, word = loop.registers, _instruction(loop)
    trapped, busy = now["trap"] == 1, now["busy"] == 1
    idle = [now[name] == 0 for name in _SCRATCH]
    running = (z3.Not(trapped), *held(loop, now))
    extension = z3.And(z3.Extract(6, 0, word) == 0b0110011, z3.Extract(31, 25, word) == 1)
    within = (*running, busy, extension, *_within(loop, now))
    for name, given in (
        ("any state in a trap", (trapped, *idle)),
        ("any state between instructions", (*running, *idle)),
        ("any state within one", within),
    ):
        yield Case(name, given, (*loop.claims,))
    yield Case("in a trap", (trapped, *idle), (*nothing(loop),))
    stays = [Claim(f"`{n}` stays zero", loop.following()[n] == 0) for n in _SCRATCH]
    yield from paths_of(
        "a base instruction",
        (*running, *idle, z3.Not(extension)),
        lambda paths: step(loop, paths, Rv32im),
        lambda after: [*claims_after(loop, after), *stays],
    )
    yield Case("the first loop", (*running, *idle, extension), (*_begun(loop),))
    middle, last = now["count"] != _STEPS, now["count"] == _STEPS
    yield Case("a loop in the middle", (*within, middle), (*_continued(loop),))
    yield Case("the last loop", (*within, last), (*_ended(loop), *stays))


def _instruction(loop: Loop) -> z3.BitVecRef:
    bits = loop.circuit.address_bits
    return loop.memory.at(z3.Extract(bits + 1, 2, loop.registers["pc"]))


def _operands(loop: Loop) -> tuple[z3.BitVecRef, z3.BitVecRef, z3.BitVecRef]:
    """funct3, x[rs1] and x[rs2]."""
    word = _instruction(loop)
    a, b = (loop.file.at(z3.Extract(at + 4, at, word)) for at in (15, 20))
    return z3.Extract(14, 12, word), a, b


def _scratch(words: dict[str, z3.BitVecRef]) -> Scratch:
    bits = (words[name] == 1 for name in ("negative", "opposite", "negate"))
    return Scratch(words["high"], words["low"], *bits)


def _within(loop: Loop, words: dict[str, z3.BitVecRef]) -> list[z3.BoolRef]:
    """What holds between two loops of one instruction."""
    funct3, a, b = _operands(loop)
    s, first = _scratch(words), started(funct3, a, b)
    by, rest = _divisor(funct3, b), z3.If(s.negative, ~s.high, s.high)
    return [
        z3.ULE(words["count"], _STEPS),
        s.negative == first.negative,
        s.opposite == first.opposite,
        s.negate == first.negate,
        z3.Or(z3.ULT(funct3, 4), by == 0, z3.ULT(rest, by)),
    ]


def _equal(found: Scratch, wanted: Scratch) -> list[Claim]:
    pairs = zip(Scratch._fields, found, wanted, strict=True)
    return [Claim(f"`{name}` after the loop", one == other) for name, one, other in pairs]


def _same_place(loop: Loop) -> list[Claim]:
    """The instruction is unfinished: nothing that a program sees changes."""
    kept = [claim for claim in nothing(loop) if not claim.what.startswith(_QUOTED)]
    following = dict(loop.following())
    goes_on = Claim("`busy` is set", following["busy"] == 1)
    stands = Claim("what holds within an instruction", z3.And(*_within(loop, following)))
    return [*kept, goes_on, stands]


_QUOTED = tuple(f"`{name}`" for name in _SCRATCH)


def _begun(loop: Loop) -> list[Claim]:
    following = dict(loop.following())
    claims = _equal(_scratch(following), started(*_operands(loop)))
    return [*_same_place(loop), *claims, Claim("`count` is zero", following["count"] == 0)]


def _continued(loop: Loop) -> list[Claim]:
    following, now = dict(loop.following()), loop.registers
    funct3, _, b = _operands(loop)
    wanted = stepped(funct3, now["count"] == _STEPS - 1, _scratch(now), b)
    counts = Claim("`count` is one more", following["count"] == now["count"] + 1)
    return [*_same_place(loop), *_equal(_scratch(following), wanted), counts]


def _ended(loop: Loop) -> list[Claim]:
    following, now = loop.following(), loop.registers
    funct3, _, _ = _operands(loop)
    word, number = _instruction(loop), z3.BitVec("any register", 5)
    place = z3.BitVec("any place", loop.circuit.address_bits)
    rd, behind = z3.Extract(11, 7, word), now["pc"] + 4
    outside = z3.Not(z3.And(*held(loop, {**now, "pc": behind, "cause": z3.BitVecVal(0, 4)})))
    trap = z3.If(outside, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))
    written = z3.And(number == rd, rd != 0)
    result = z3.If(written, finished(funct3, _scratch(now)), loop.file.at(number))
    return [
        Claim("`pc` after the loop", following["pc"] == behind),
        Claim("`trap` after the loop", following["trap"] == trap),
        Claim("`cause` after the loop", following["cause"] == z3.ZeroExt(3, trap)),
        Claim("memory stays", loop.memory_after(place) == loop.memory.at(place)),
        Claim("registers after the loop", loop.file_after(number) == result),
    ]
