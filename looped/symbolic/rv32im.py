"""RV32IM: the instructions of RV32I, and each loop of a multiplication or a division.

The proof compares base instructions with the reference. An instruction of the extension takes 10
loops or 18; this module says what each of them does, by the schoolbook: multiply by a digit of four
bits, add, shift right; subtract a multiple of the divisor, shift left, compare for the next digit
of two bits. Tests, not the proof, show that these steps make the product or the quotient of the
reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import z3

from looped.reference import Rv32im
from looped.symbolic.cases import Case, paths_of
from looped.symbolic.loop import Claim, Loop
from looped.symbolic.rv32i import claims_after, held, nothing, step

__all__ = ["Scratch", "added", "finished", "rv32im_cases", "started", "stepped"]

_END = 16
_FIRST_OF_PRODUCT = 8
_KEPT = ("complement", "negative", "negate", "once more")
_SCRATCH = ("busy", "count", "partial", "low", "second operand", "digit", *_KEPT)
_NO_DIGIT = z3.BitVecVal(0, 7)
_SUM, _CUT = 37, 18


class Scratch(NamedTuple):
    """The unfinished product or quotient.

    In a product, `second` is the second operand with a sign, and x[rs2] counts `once_more` at the
    end if the multiplier is unsigned and at least 2^31. In a quotient, `second` is the divisor, or
    the `complement` of a negative one; the dividend may be `negative`, and the quotient, so that it
    is to be negated. `digit` is 1, 2, minus, three, then 4, 8, minus, from the lowest bit on.
    """

    partial: z3.BitVecRef
    low: z3.BitVecRef
    second: z3.BitVecRef
    digit: z3.BitVecRef
    complement: z3.BoolRef
    negative: z3.BoolRef
    negate: z3.BoolRef
    once_more: z3.BoolRef


def started(funct3: z3.BitVecRef, a: z3.BitVecRef, b: z3.BitVecRef) -> Scratch:
    """The state after the first loop: both operands, their signs, and the first digit."""
    divides, signed = _divides(funct3), z3.Or(funct3 == 4, funct3 == 6)
    complement, negative = z3.And(signed, b < 0), z3.And(signed, a < 0)
    magnitude = z3.If(negative, -a, a)
    top = z3.Extract(31, 30, magnitude)
    number = z3.If(z3.ULT(funct3, 2), z3.SignExt(1, b), z3.ZeroExt(1, b))
    first = _booth(z3.Concat(z3.Extract(3, 0, a), z3.BitVecVal(0, 1)))
    quotient = _quotient_digit(z3.ZeroExt(34, top), _divisor(funct3, b))
    return Scratch(
        z3.If(divides, z3.ZeroExt(33, top), z3.BitVecVal(0, 35)),
        z3.If(divides, magnitude << 2, a),
        z3.If(divides, z3.ZeroExt(1, z3.If(complement, ~b, b)), number),
        z3.If(divides, quotient, first),
        complement,
        negative,
        z3.And(signed, (a < 0) != (b < 0), b != 0),
        z3.And(funct3 == 3, a < 0),
    )


def added(s: Scratch) -> z3.BitVecRef:
    """`partial` and the digit times the second operand."""
    return z3.SignExt(_SUM - 35, s.partial) + _units(s) + _fours(s)


def stepped(
    funct3: z3.BitVecRef, last: z3.BoolRef, s: Scratch, b: z3.BitVecRef, total: z3.BitVecRef
) -> Scratch:
    """The state after one of the loops in the middle; `total` is what is `added`."""
    divides = _divides(funct3)
    right, left = z3.Extract(_SUM - 1, 4, total), z3.Extract(31, 0, total)
    more = z3.Concat(left, z3.Extract(31, 30, s.low))
    one, two, three = (z3.Extract(n, n, s.digit) for n in (0, 1, 3))
    digit = z3.Concat(two, three | one & ~two)
    low = z3.Concat(z3.Extract(3, 0, total), z3.Extract(31, 4, s.low))
    quotient = _quotient_digit(z3.ZeroExt(2, more), _divisor(funct3, b))
    following = z3.If(divides, quotient, _booth(z3.Extract(7, 3, s.low)))
    return s._replace(
        partial=z3.If(divides, z3.ZeroExt(1, more), z3.SignExt(2, right)),
        low=z3.If(divides, z3.Concat(z3.Extract(29, 0, s.low), digit), low),
        digit=z3.If(last, _NO_DIGIT, following),
    )


def finished(funct3: z3.BitVecRef, s: Scratch, b: z3.BitVecRef) -> z3.BitVecRef:
    """The result, which the last loop takes from the two words."""
    rest, high = z3.Extract(33, 2, s.partial), z3.Extract(31, 0, s.partial)
    quotient, rest = z3.If(s.negate, -s.low, s.low), z3.If(s.negative, -rest, rest)
    more = z3.If(z3.And(funct3 == 3, s.once_more), b, z3.BitVecVal(0, 32))
    product = z3.If(funct3 == 0, s.low, high + more)
    return z3.If(z3.ULT(funct3, 4), product, z3.If(z3.ULT(funct3, 6), quotient, rest))


def _divides(funct3: z3.BitVecRef) -> z3.BoolRef:
    return z3.Extract(2, 2, funct3) == 1


def _divisor(funct3: z3.BitVecRef, b: z3.BitVecRef) -> z3.BitVecRef:
    """The magnitude of the divisor, in 36 bits."""
    negative = z3.And(z3.Or(funct3 == 4, funct3 == 6), b < 0)
    return z3.ZeroExt(4, z3.If(negative, -b, b))


def _booth(bits: z3.BitVecRef) -> z3.BitVecRef:
    """The digit of four bits of a multiplier and the bit below them."""
    units, fours = (_booth_part(z3.Extract(n + 2, n, bits)) for n in (0, 2))
    return z3.Concat(fours, z3.BitVecVal(0, 1), units)


def _booth_part(bits: z3.BitVecRef) -> z3.BitVecRef:
    """bits[0] + bits[1] - 2 bits[2], as one, two and minus."""
    low, middle, high = (z3.Extract(n, n, bits) for n in range(3))
    return z3.Concat(high & ~(low & middle), ~(low ^ middle) & (middle ^ high), low ^ middle)


def _quotient_digit(rest: z3.BitVecRef, by: z3.BitVecRef) -> z3.BitVecRef:
    """The negative of the digit: how often a divisor fits, at most three times."""
    one, two, three = (
        z3.If(z3.UGE(rest, by * k), z3.BitVecVal(1, 1), z3.BitVecVal(0, 1)) for k in (1, 2, 3)
    )
    yes, no = z3.BitVecVal(1, 1), z3.BitVecVal(0, 1)
    return z3.Concat(yes, no, three, three, yes, two, one)


def _units(s: Scratch) -> z3.BitVecRef:
    one, two, minus, three = (z3.Extract(n, n, s.digit) == 1 for n in range(4))
    return z3.If(three, _number(s), _times(_number(s), one, two, minus))


def _fours(s: Scratch) -> z3.BitVecRef:
    return _times(_number(s), *(z3.Extract(n, n, s.digit) == 1 for n in range(4, 7))) << 2


def _number(s: Scratch) -> z3.BitVecRef:
    number = z3.SignExt(_SUM - 33, s.second)
    return z3.If(s.complement, number + 1, number)


def _times(
    number: z3.BitVecRef, one: z3.BoolRef, two: z3.BoolRef, minus: z3.BoolRef
) -> z3.BitVecRef:
    multiple = z3.If(two, number << 1, z3.If(one, number, z3.BitVecVal(0, _SUM)))
    return z3.If(minus, -multiple, multiple)


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
    middle, last = now["count"] != _END, now["count"] == _END
    divides = _divides(_operands(loop)[0])
    for quotient, kind in (False, z3.Not(divides)), (True, divides):
        given = (*within, middle, kind, *_named(_scratch(now)))
        name = f"a step of a {'quotient' if quotient else 'product'}"
        yield Case(name, given, (*_continued(loop, quotient),))
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
    numbers = (words[name] for name in ("partial", "low", "second operand", "digit"))
    return Scratch(*numbers, *(words[name] == 1 for name in _KEPT))


def _within(loop: Loop, words: dict[str, z3.BitVecRef]) -> list[z3.BoolRef]:
    """What holds between two loops of one instruction."""
    funct3, a, b = _operands(loop)
    s, first, count = _scratch(words), started(funct3, a, b), words["count"]
    by, rest = _divisor(funct3, b), z3.ZeroExt(1, s.partial)
    fits = z3.If(by == 0, _at_most_digits(s.partial, count), z3.ULT(rest, by * 4))
    chosen = z3.And(fits, s.digit == _quotient_digit(rest, by))
    return [
        z3.ULE(count, _END),
        z3.Or(_divides(funct3), z3.UGE(count, _FIRST_OF_PRODUCT)),
        *(kept == z3.simplify(now) for kept, now in zip(s[4:], first[4:], strict=True)),
        s.second == first.second,
        z3.Or(z3.Not(_divides(funct3)), count == _END, chosen),
    ]


def _at_most_digits(partial: z3.BitVecRef, count: z3.BitVecRef) -> z3.BoolRef:
    """Whether a number has not more digits of two bits than loops have read."""
    places = z3.ZeroExt(30, count) * 2 + 2
    return z3.LShR(partial, places) == 0


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
    funct3, a, b = _operands(loop)
    claims = _equal(_scratch(following), started(funct3, a, b))
    first = z3.If(_divides(funct3), z3.BitVecVal(0, 5), z3.BitVecVal(_FIRST_OF_PRODUCT, 5))
    return [*claims, Claim("`count` begins", following["count"] == first), *_same_place(loop)]


def _continued(loop: Loop, quotient: bool) -> list[Claim]:
    following, now = dict(loop.following()), loop.registers
    funct3, _, b = _operands(loop)
    wanted = stepped(funct3, now["count"] == _END - 1, _scratch(now), b, _ADDED.total)
    counts = Claim("`count` is one more", following["count"] == now["count"] + 1)
    claims = [*_equal(_scratch(following), wanted), counts, *_same_place(loop)]
    return [*_rows(loop), *(_comparisons(loop) if quotient else []), *claims]


class _Sums(NamedTuple):
    """Names for what a step adds: the units, the fours, and everything."""

    units: z3.BitVecRef
    fours: z3.BitVecRef
    total: z3.BitVecRef


_ADDED = _Sums(*(z3.BitVec(f"sum of {what}", _SUM) for what in ("units", "fours", "all")))


def _named(s: Scratch) -> list[z3.BoolRef]:
    """What these names stand for: together, what is `added`."""
    total = z3.SignExt(_SUM - 35, s.partial) + _ADDED.units + _ADDED.fours
    return [_ADDED.units == _units(s), _ADDED.fours == _fours(s), _ADDED.total == total]


def _rows(loop: Loop) -> list[Claim]:
    """What the rows are that the circuit adds up, in small steps; other claims follow from it."""
    ones, above = _words(loop, "ones", "carries")
    units, fours = (z3.SignExt(3, word) for word in _words(loop, "units", "fours"))
    bits = _words(loop, "units carry", "fours carry")
    more, carry = (z3.ZeroExt(_SUM - 1, word) for word in bits)
    three, carries = (fours << 2) + carry * 3, z3.Concat(above, bits[0])
    first = z3.SignExt(_SUM - 35, loop.registers["partial"]) + _ADDED.units
    low, passed = _words(loop, "total low", "total carry")
    lowest = (z3.ZeroExt(1, _lowest(word, _CUT)) for word in (ones, carries))
    sliced = next(lowest) + next(lowest) + _lowest(carry, _CUT + 1)
    return [
        Claim("the row of the units", units + more == _ADDED.units),
        Claim("the row of the fours", three + carry == _ADDED.fours),
        Claim("two rows for three", ones + carries == first + three),
        Claim("two rows have the sum", (ones + carries) + carry == _ADDED.total),
        Claim("its low bits", z3.Concat(passed, low) == sliced),
    ]


def _comparisons(loop: Loop) -> list[Claim]:
    """The step of a division leaves a remainder; how the circuit compares it with k divisors."""
    funct3, _, b = _operands(loop)
    s, by, rest = _scratch(loop.registers), _divisor(funct3, b), _lowest(_ADDED.total, 36)
    claims = [Claim("a remainder", z3.Or(by == 0, z3.ULT(rest, by)))]
    claims.append(Claim("of 32 bits", z3.Extract(_SUM - 1, 32, _ADDED.total) == 0))
    ones, above = _words(loop, "ones", "carries")
    bits = _words(loop, "units carry", "fours carry")
    carries, width = z3.Concat(above, bits[0]), _CUT + 8

    def part(word: z3.BitVecRef, first: int, end: int) -> z3.BitVecRef:
        return z3.ZeroExt(width - end + first, z3.Extract(end - 1, first, word))

    low = part(ones, 0, _CUT) + part(carries, 0, _CUT) + part(bits[1], 0, 1)
    brought = part(s.low, 30, 32)
    one = z3.If(s.complement, z3.BitVecVal(1, width), z3.BitVecVal(0, width))
    for k in (1, 2, 3):
        (reached,) = _words(loop, f"below fit {k}")
        count = sum((part(reached, n, n + 1) for n in range(k + 1)), z3.BitVecVal(-k, width))
        difference = (low << 2) + brought - (part(s.second, 0, _CUT + 2) + one) * k
        claims.append(Claim(f"below fit {k}", count == difference >> _CUT + 2))
    return claims


def _lowest(word: z3.BitVecRef, width: int) -> z3.BitVecRef:
    return z3.Extract(width - 1, 0, word)


def _words(loop: Loop, *names: str) -> list[z3.BitVecRef]:
    """Words of the circuit."""
    found = {define.name: define.target for define in loop.circuit.defines}
    return [loop.word(found[name]) for name in names]


def _ended(loop: Loop) -> list[Claim]:
    following, now = loop.following(), loop.registers
    funct3, _, b = _operands(loop)
    word, number = _instruction(loop), z3.BitVec("any register", 5)
    place = z3.BitVec("any place", loop.circuit.address_bits)
    rd, behind = z3.Extract(11, 7, word), now["pc"] + 4
    outside = z3.Not(z3.And(*held(loop, {**now, "pc": behind, "cause": z3.BitVecVal(0, 4)})))
    trap = z3.If(outside, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))
    written = z3.And(number == rd, rd != 0)
    result = z3.If(written, finished(funct3, _scratch(now), b), loop.file.at(number))
    return [
        Claim("`pc` after the loop", following["pc"] == behind),
        Claim("`trap` after the loop", following["trap"] == trap),
        Claim("`cause` after the loop", following["cause"] == z3.ZeroExt(3, trap)),
        Claim("memory stays", loop.memory_after(place) == loop.memory.at(place)),
        Claim("registers after the loop", loop.file_after(number) == result),
    ]
