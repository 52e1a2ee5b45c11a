"""Straight-line code again, with some words of the state and some loads as constants.

A load that is taken for a constant stays as an `expect`: the pass is left before it has any effect
unless the cell holds the number. All other instructions are folded by what is known of their bits,
and those that nobody reads are gone. The numbers of shifts are constants below 64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from looped.engines.lifted.code import MASK, Code, Instruction
from looped.engines.lifted.specialised.bits import Bits, after, exactly, up_to
from looped.engines.lifted.specialised.narrow import Impossible, narrowed

__all__ = ["EXPECT", "Impossible", "folded"]

EXPECT = "expect"
"""The operation that leaves the pass unless the load that is its operand is `number`."""

_EFFECTS = ("store", "guard", EXPECT)

_ROUNDS = 4
"""The most times that code is folded: more than 3 have not been of use."""


def folded(
    code: Code,
    widths: Sequence[int],
    cell_bits: int,
    words: Mapping[int, int],
    loads: Mapping[int, int],
) -> Code:
    """The code with these `words` of the state and `loads`, by their place, as constants.

    `widths` are the bits of the words of the state. Raises Impossible.
    """
    widths = tuple(widths)
    code, loads = narrowed(code, words, loads)
    first = _Folding(code, widths, cell_bits, [MASK] * len(code.instructions))
    result = first.run(loads)
    for _ in range(_ROUNDS):
        before = len(result.instructions)
        again = _Folding(result, widths, cell_bits, _demanded(result))
        result = again.run({})
        if len(result.instructions) >= before:
            break
    return result


class _Folding:
    """Copies code, value by value."""

    def __init__(
        self, code: Code, widths: tuple[int, ...], cell_bits: int, demanded: list[int]
    ) -> None:
        self.code = code
        self.widths = widths
        self.cell = up_to((1 << cell_bits) - 1)
        self.demanded = demanded
        self.result = Code(tables=code.tables)
        self.bits: list[Bits] = []

    def run(self, loads: Mapping[int, int]) -> Code:
        """The copy, with constants for loads."""
        place: dict[int, int] = {}
        for number, (instruction, demanded) in enumerate(
            zip(self.code.instructions, self.demanded, strict=True)
        ):
            operands = [self._taken(place, o) for o in instruction.operands]
            if number in loads:
                loaded = self.emit("load", *operands)
                self.emit(EXPECT, loaded, number=loads[number])
                place[number] = self.constant(loads[number])
            elif instruction.operation in _EFFECTS or demanded:
                place[number] = self._copy(instruction, operands, demanded)
        self.result.following = [self._taken(place, value) for value in self.code.following]
        return self.result

    def _taken(self, place: Mapping[int, int], value: int) -> int:
        """A value of the old code; any number if no bit of it is demanded."""
        return place[value] if value in place else self.constant(0)

    def emit(self, operation: str, *operands: int, number: int = 0) -> int:
        """Append an instruction as it is, unless an equal one is there."""
        value = self.result.emit(operation, *operands, number=number)
        if value == len(self.bits):
            self.bits.append(self._known(operation, operands, number))
        return value

    def constant(self, number: int) -> int:
        """A constant."""
        return self.emit("const", number=number & MASK)

    def _known(self, operation: str, operands: tuple[int, ...], number: int) -> Bits:
        match operation:
            case "const":
                return exactly(number)
            case "state":
                return up_to((1 << self.widths[number]) - 1)
            case "load":
                return self.cell
            case "table":
                entries = self.code.tables[number]
                return up_to(int(entries.max())) if entries.min() >= 0 else Bits(0, 0)
        if operation in _EFFECTS:
            return Bits(0, 0)
        return after(operation, [self.bits[o] for o in operands])

    def _copy(self, instruction: Instruction, operands: list[int], demanded: int) -> int:
        operation, number = instruction.operation, instruction.number
        bits = [self.bits[o] for o in operands]
        match operation:
            case "guard":
                if bits[0].one:
                    raise Impossible
                return self.emit(operation, *operands) if bits[0].most else operands[0]
            case "table" if (index := bits[0].number) is not None:
                return self.constant(int(self.code.tables[number][index]))
            case "const" | "state" | "load" | "table" | "store" | "expect":
                return self.emit(operation, *operands, number=number)
        found = after(operation, bits)
        if found.zero & demanded | found.one & demanded == demanded:
            return self.constant(found.one & demanded)
        return self._simpler(operation, operands, bits, demanded)

    def _simpler(self, operation: str, operands: list[int], bits: list[Bits], demanded: int) -> int:
        """An operation whose value is not known, in the demanded bits."""
        match operation, operands:
            case "and" | "or" | "xor" | "add" | "sub", [a, b]:
                return self._logic(operation, a, b, demanded)
            case "shl" | "shr", [a, b]:
                return a if bits[1].number == 0 else self.emit(operation, a, b)
            case "mul", [a, b]:
                return self._product(a, b)
            case "select", [c, a, b]:
                return self._select(c, a, b, demanded)
            case "equal", [a, b]:
                return self._equal(a, b)
            case "ones", [a] if self.bits[a].most.bit_count() == 1:
                return self._shift_down(a, self.bits[a].most.bit_length() - 1)
            case "ones", [a] if self.bits[a].number is None:
                return self.emit(operation, a)
        return self.emit(operation, *operands)

    def _logic(self, operation: str, a: int, b: int, demanded: int) -> int:
        """A bitwise operation, a sum, or a difference."""
        if operation in ("and", "or", "xor", "sub") and a == b:
            return a if operation in ("and", "or") else self.constant(0)
        if operation in ("and", "or"):
            found = self._masked(operation, a, b)
            if found is not None:
                return found
        first, second = self.bits[a], self.bits[b]
        if operation in ("add", "sub"):
            demanded = (1 << demanded.bit_length()) - 1
        if operation == "and":
            for x, y in ((a, b), (b, a)):
                if self.bits[x].most & demanded & ~self.bits[y].one == 0:
                    return x
            return self.emit("and", *self._ordered(a, b))
        if not second.most & demanded:
            return a
        if operation == "sub":
            return self.emit("sub", a, b)
        if not first.most & demanded:
            return b
        if operation == "or":
            for x, y in ((a, b), (b, a)):
                if self.bits[y].most & demanded & ~self.bits[x].one == 0:
                    return x
        return self.emit(operation, *self._ordered(a, b))

    def _masked(self, operation: str, a: int, b: int) -> int | None:
        """A conjunction or disjunction of values that are made from one value with constants."""
        for x, y in ((a, b), (b, a)):
            other, flips = self._parts("xor", y)
            if other == x and operation == "and":
                return self._copied("and", x, self.constant(~flips))
            if other == x:
                return self._copied("or", x, self.constant(flips))
            inner, mask = self._parts("and", y)
            number = self.bits[x].number
            if operation == "and" and inner is not None and number is not None:
                return self._copied("and", inner, self.constant(mask & number))
        (first, mask), (second, more) = self._parts("and", a), self._parts("and", b)
        if operation == "or" and first is not None and first == second:
            return self._copied("and", first, self.constant(mask | more))
        return None

    def _parts(self, operation: str, value: int) -> tuple[int | None, int]:
        """The other operand of an operation with a constant, and this; or None."""
        instruction = self.result.instructions[value]
        if instruction.operation == operation:
            for x, y in (instruction.operands, reversed(instruction.operands)):
                number = self.bits[y].number
                if number is not None:
                    return x, number
        return None, 0

    def _copied(self, operation: str, a: int, b: int) -> int:
        """An operation, folded."""
        return self._copy(Instruction(operation), [a, b], MASK)

    def _ordered(self, a: int, b: int) -> tuple[int, int]:
        """Operands in an order of their own, so that equal operations are one."""
        return (a, b) if a <= b else (b, a)

    def _product(self, a: int, b: int) -> int:
        for x, y in ((a, b), (b, a)):
            factor = self.bits[y].number
            if factor is not None and factor.bit_count() == 1:
                return self._shift_up(x, factor.bit_length() - 1)
        return self.emit("mul", *self._ordered(a, b))

    def _select(self, c: int, a: int, b: int, demanded: int) -> int:
        known = self.bits[c]
        if known.one:
            return a
        if not known.most:
            return b
        if a == b:
            return a
        first, second = self.bits[a], self.bits[b]
        if known.most == 1 and first.number is not None and second.number is not None:
            if (first.number, second.number) == (1, 0):
                return c
            if (first.number, second.number) == (0, 1):
                return self.emit("xor", *self._ordered(c, self.constant(1)))
        return self.emit("select", c, a, b)

    def _equal(self, a: int, b: int) -> int:
        if a == b:
            return self.constant(1)
        for x, y in ((a, b), (b, a)):
            number = self.bits[y].number
            if self.bits[x].most == 1 and number in (0, 1):
                return x if number else self.emit("xor", *self._ordered(x, self.constant(1)))
        return self.emit("equal", *self._ordered(a, b))

    def _shift_up(self, value: int, by: int) -> int:
        return self.emit("shl", value, self.constant(by)) if by else value

    def _shift_down(self, value: int, by: int) -> int:
        return self.emit("shr", value, self.constant(by)) if by else value


def _demanded(code: Code) -> list[int]:
    """The bits of each value on which an effect or the following state may depend."""
    result = [0] * len(code.instructions)
    for value in code.following:
        result[value] = MASK
    for place in range(len(code.instructions) - 1, -1, -1):
        instruction = code.instructions[place]
        operation, operands = instruction.operation, instruction.operands
        if operation in _EFFECTS:
            for operand in operands:
                result[operand] = MASK
            continue
        own = result[place]
        if not own:
            continue
        for operand, bits in zip(operands, _wanted(code, operation, operands, own), strict=True):
            result[operand] |= bits
    return result


def _wanted(code: Code, operation: str, operands: tuple[int, ...], own: int) -> list[int]:
    """The bits of the operands on which the bits `own` of the value depend."""
    match operation:
        case "and" | "or" | "xor":
            masks = [code.number(operand) for operand in reversed(operands)]
            if operation == "xor":
                masks = [None, None]
            if operation == "or":
                masks = [None if m is None else ~m & MASK for m in masks]
            return [own if m is None else own & m for m in masks]
        case "add" | "sub" | "mul":
            return [(1 << own.bit_length()) - 1] * 2
        case "shl" | "shr":
            by = code.number(operands[1])
            if by is None:
                return [MASK, MASK]
            return [own >> by if operation == "shl" else own << by & MASK, MASK]
        case "select":
            return [MASK, own, own]
        case "negative":
            return [1 << 63]
    return [MASK] * len(operands)
