"""Pseudo-instructions: other names for instructions, and short ways to write one or two of them
(RISC-V unprivileged specification, chapter "RISC-V Assembly Programmer's Handbook", and GNU as).

They expand to machine instructions; macros of the source do not change the expansion.
"""

from __future__ import annotations

import re

from looped.errors import LoopedError, Span
from looped.isa.rv32i import REGISTERS
from looped.lang.gnu.nodes import Group, Memory, Name, Number, Operand, Symbol, Text

__all__ = ["FORMS", "expand"]

_TEXT = """
nop                     addi x0, x0, 0
mv rd, rs               addi rd, rs, 0
move rd, rs             addi rd, rs, 0
not rd, rs              xori rd, rs, -1
neg rd, rs              sub rd, x0, rs
seqz rd, rs             sltiu rd, rs, 1
snez rd, rs             sltu rd, x0, rs
sltz rd, rs             slt rd, rs, x0
sgtz rd, rs             slt rd, x0, rs
sgt rd, rs1, rs2        slt rd, rs2, rs1
sgtu rd, rs1, rs2       sltu rd, rs2, rs1
zext.b rd, rs           andi rd, rs, 255
zext.h rd, rs           slli rd, rs, 16; srli rd, rd, 16
sext.b rd, rs           slli rd, rs, 24; srai rd, rd, 24
sext.h rd, rs           slli rd, rs, 16; srai rd, rd, 16
beqz rs, target         beq rs, x0, target
bnez rs, target         bne rs, x0, target
blez rs, target         bge x0, rs, target
bgez rs, target         bge rs, x0, target
bltz rs, target         blt rs, x0, target
bgtz rs, target         blt x0, rs, target
bgt rs1, rs2, target    blt rs2, rs1, target
ble rs1, rs2, target    bge rs2, rs1, target
bgtu rs1, rs2, target   bltu rs2, rs1, target
bleu rs1, rs2, target   bgeu rs2, rs1, target
j target                jal x0, target
jr target               jalr x0, target
jr rs, imm              jalr x0, rs, imm
ret                     jalr x0, x1
lla rd, symbol          la rd, symbol
lga rd, symbol          la rd, symbol
scall                   ecall
sbreak                  ebreak
csrr rd, csr            csrrs rd, csr, x0
csrw csr, rs            csrrw x0, csr, rs
csrs csr, rs            csrrs x0, csr, rs
csrc csr, rs            csrrc x0, csr, rs
csrwi csr, number       csrrwi x0, csr, number
csrsi csr, number       csrrsi x0, csr, number
csrci csr, number       csrrci x0, csr, number
rdcycle rd              csrrs rd, cycle, x0
rdcycleh rd             csrrs rd, cycleh, x0
rdtime rd               csrrs rd, time, x0
rdtimeh rd              csrrs rd, timeh, x0
rdinstret rd            csrrs rd, instret, x0
rdinstreth rd           csrrs rd, instreth, x0
"""

_WITH_NUMBER = {
    "add": "addi", "slt": "slti", "sltu": "sltiu", "xor": "xori", "or": "ori", "and": "andi",
    "sll": "slli", "srl": "srli", "sra": "srai",
    "csrrw": "csrrwi", "csrrs": "csrrsi", "csrrc": "csrrci",
}  # fmt: skip
"""Instructions of which the last operand may be a number → what they are then."""

_Template = tuple[str, tuple[str, ...]]


def _read() -> dict[str, dict[int, tuple[tuple[str, ...], list[_Template]]]]:
    """Mnemonic → number of operands → their names, and the instructions."""
    table: dict[str, dict[int, tuple[tuple[str, ...], list[_Template]]]] = {}
    for line in _TEXT.strip().splitlines():
        short, long = re.split(r"\s{2,}", line)
        name, names = _split(short)
        table.setdefault(name, {})[len(names)] = names, [_split(part) for part in long.split("; ")]
    return table


def _split(text: str) -> _Template:
    name, _, rest = text.strip().partition(" ")
    return name, tuple(part.strip() for part in rest.split(",")) if rest else ()


_TABLE = _read()

FORMS: dict[str, tuple[str, ...]] = {
    name: tuple(", ".join(names) for names, _ in forms.values()) for name, forms in _TABLE.items()
}
"""The operands that each pseudo-instruction may have."""

Expansion = list[tuple[str, tuple[Operand, ...]]]


def expand(name: str, operands: tuple[Operand, ...], span: Span) -> Expansion:
    """The expansion of a statement at `span`; the statement itself if it is an instruction.

    Raises LoopedError for a wrong number of operands.
    """
    forms = _TABLE.get(name)
    if forms is None:
        return [(_with_number(name, operands), operands)]
    if len(operands) not in forms:
        wanted = " or ".join(str(count) for count in forms)
        message = f"`{name}` takes {'no' if wanted == '0' else wanted} operand"
        message += f"{'' if wanted == '1' else 's'}, not {len(operands)}"
        usage = " or ".join(f"{name} {form}".strip() for form in FORMS[name])
        raise LoopedError(message, span, usage)
    names, templates = forms[len(operands)]
    given = dict(zip(names, operands, strict=True))
    result: Expansion = []
    for mnemonic, parts in templates:
        filled = tuple(given.get(part) or _literal(part, span) for part in parts)
        result.append((_with_number(mnemonic, filled), filled))
    return result


def _literal(text: str, span: Span) -> Operand:
    """A register, or a number, that a template names."""
    if text.lstrip("-").isdigit():
        return Number(int(text), span)
    return Name(Symbol(text), span)


def _with_number(name: str, operands: tuple[Operand, ...]) -> str:
    """The instruction with a number for the last operand, if that is one."""
    if name not in _WITH_NUMBER or len(operands) != 3:
        return name
    last = operands[2]
    if isinstance(last, Text | Memory):
        return name
    if isinstance(last, Group):
        last = last.inner
    if isinstance(last, Name) and (last.symbol.name in REGISTERS or not last.symbol.is_defined):
        return name
    return _WITH_NUMBER[name]
