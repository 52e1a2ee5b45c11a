"""The operands and the units of RV32I in each loop of a sequence.

| loop    | first operand              | second operand                             | unit         |
|---------|----------------------------|--------------------------------------------|--------------|
| first   | x[rs1]; a word of the file | 0                                          | probe        |
| compute | `old`; x[rs1]              | x[rs2], x[rs1], a number; a complement | sum, and, or |
| change  | x[rs1]                     | 0                                          | the address  |

The decoder of RV32I adds the program counter to the first operand of an atomic instruction, whose
opcode has bit 2, and x[rs1] to that of a control register. Both are subtracted here.
"""

from __future__ import annotations

from collections.abc import Mapping

from looped.circuit.arithmetic import matches
from looped.circuit.signals import Condition, Value, any_of_disjoint, disjoint_or, gated, literal
from looped.circuit.words import Form, Word, bit, constant
from looped.isa.rv32ima import ATOMIC
from looped.machines.rv32i.core import Fetched
from looped.machines.rv32i.extension import OperandPorts
from looped.machines.rv32i.kinds import Kind
from looped.machines.rv32i.patterns import any_match, exactly
from looped.machines.rv32ima.sequence import COMPARING, begins, in_second, locating
from looped.machines.rv32ima.state import RESERVATION, State

__all__ = ["kinds", "operands"]

_NUMBER_BITS = 6
_ONE, _ZERO = constant(1), constant(0)


def operands(instruction: Word, pc: Word, state: State) -> OperandPorts:
    """What the sequence adds to the operands; no two of its parts have a one in one place."""
    atomic, control = matches(instruction, 0x7C, 0x2C), matches(instruction, 0x7C, 0x70)
    second = literal(state.working.compute)
    rs1, rs2 = ([*map(bit, instruction[at : at + 5])] for at in (15, 20))
    reserving = literal(instruction[28:29])
    old = [*map(bit, state.working.old)]
    combined = atomic & second & ~reserving & ~literal(instruction[27:28])
    updated = control & second & literal(instruction[13:14])
    compared = any_match(instruction, exactly(*COMPARING, "sc.w"), second)
    return OperandPorts(
        rs1=disjoint_or(
            gated(atomic & ~second, *_wide(rs1)),
            gated(atomic & second & reserving, *_wide(rs1)),
            gated(control, *_wide([-form for form in rs1])),
            gated(control & ~second, *_filed(instruction)),
        ),
        first=disjoint_or(
            gated(atomic, *(-bit(lane) for lane in pc)),
            gated(combined, *old),
            gated(updated, *old),
        ),
        rs2_add=disjoint_or(
            _under(instruction, exactly(*_ADDED), second, _wide(rs2)),
            *(gated(each, *_wide(rs1)) for each in _taken(instruction, control & second, False)),
        ),
        rs2_sub=disjoint_or(
            _under(instruction, exactly(*COMPARING), second, _wide(rs2)),
            _under(instruction, exactly("sc.w"), second, _number(RESERVATION)),
            *(gated(each, *_wide(rs1)) for each in _cleared(instruction, control & second, False)),
        ),
        second=disjoint_or(
            _under(instruction, exactly(*COMPARING, "sc.w"), second, [_ONE] * 32),
            *(gated(each, *_long(rs1)) for each in _taken(instruction, control & second, True)),
            *(gated(each, *[_ONE] * 32) for each in _cleared(instruction, control & second, False)),
            *(
                gated(each, *[_ONE - form for form in _long(rs1)])
                for each in _cleared(instruction, control & second, True)
            ),
        ),
        inverted=compared,
    )


_ADDED = tuple(name for name in ATOMIC if name.startswith("amo") and name not in COMPARING)
"""Instructions whose second operand is x[rs2]."""


def kinds(f: Fetched, state: State) -> Mapping[Kind, Value]:
    """The units that the sequence uses."""
    first, second, instruction = begins(f.trapped, state), in_second(state), f.instruction

    def some(also: Condition, *mnemonics: str) -> Value:
        return any_match(instruction, exactly(*mnemonics), also)

    probes = some(first, *ATOMIC)
    adding = ("amoadd.w", "amoswap.w", "lr.w", "sc.w", "csrrw", "csrrwi")
    return {
        Kind.SUM: disjoint_or(some(second, *adding), any_of_disjoint([locating(f.cause, state)])),
        Kind.AND: some(second, "amoand.w", "csrrc", "csrrci"),
        Kind.OR_OR_XOR: some(second, "amoor.w", "amoxor.w", "csrrs", "csrrsi"),
        Kind.XOR: some(second, "amoxor.w"),
        Kind.WIDE_ACCESS: probes,
        Kind.WORD_ACCESS: probes,
        Kind.FENCE: some(first, "wfi", "fence.i"),
    }


def _taken(instruction: Word, also: Condition, immediate: bool) -> list[Condition]:
    """CSRRW and CSRRS, whose operand is taken as it is."""
    form = literal(instruction[14:15])
    low, high = literal(instruction[12:13]), literal(instruction[13:14])
    kind = also & (form if immediate else ~form)
    return [kind & low & ~high, kind & ~low & high]


def _cleared(instruction: Word, also: Condition, immediate: bool) -> list[Condition]:
    """CSRRC, whose operand is complemented."""
    form = literal(instruction[14:15])
    kind = also & (form if immediate else ~form)
    return [kind & literal(instruction[12:13]) & literal(instruction[13:14])]


def _under(
    instruction: Word, patterns: list[tuple[int, int]], also: Condition, bits: list[Form]
) -> Value:
    conditions = (matches(instruction, *pattern) & also for pattern in patterns)
    return disjoint_or(*(gated(condition, *bits) for condition in conditions))


def _filed(instruction: Word) -> list[Form]:
    """The word of the register file whose number ends like that of a control register."""
    return [*map(bit, instruction[20:23]), _ZERO, _ZERO, _ONE]


def _number(number: int) -> list[Form]:
    return [constant(number >> place & 1) for place in range(_NUMBER_BITS)]


def _wide(bits: list[Form]) -> list[Form]:
    return [*bits, *[_ZERO] * (_NUMBER_BITS - len(bits))]


def _long(bits: list[Form]) -> list[Form]:
    return [*bits, *[_ZERO] * (32 - len(bits))]
