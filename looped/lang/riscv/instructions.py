"""RISC-V instructions: the operands that each takes, its size, and the words that it becomes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from looped.errors import LoopedError, Span
from looped.isa.rv32i import Encoding, encode
from looped.isa.rv32im import EXTENSION, INSTRUCTIONS
from looped.lang.ast import Symbol, Text
from looped.lang.expressions import Bound
from looped.lang.items import Item
from looped.lang.riscv.operands import (
    Operands,
    high_part,
    is_memory,
    low_part,
    register_named,
    resolve,
    span_of,
)

__all__ = ["EXTENDED_MNEMONICS", "MNEMONICS", "is_short", "make", "size"]

_MEMORY = "offset(rs1)"
_FORMS = {
    "R": ("rd, rs1, rs2",),
    "I": ("rd, rs1, imm",),
    "S": ("rs2, offset(rs1)", "rs2, symbol, scratch"),
    "B": ("rs1, rs2, target",),
    "U": ("rd, upper",),
    "J": ("rd, target", "target"),
}
_SPECIAL_FORMS = {
    "jalr": ("rd, offset(rs1)", "rd, rs1, imm", "rd, rs1", "offset(rs1)", "rs1"),
    "fence": ("before, after", ""),
    "ecall": ("",),
    "ebreak": ("",),
    "li": ("rd, value",),
}
_LOAD, _SHIFTS = 0x03, ("slli", "srli", "srai")
_ALSO = {
    "add": "addi", "slt": "slti", "sltu": "sltiu", "xor": "xori", "or": "ori", "and": "andi",
    "sll": "slli", "srl": "srli", "sra": "srai", "mv": "li",
}  # fmt: skip
"""Instructions that take a register where the other takes a number."""

_RANGES = {
    "imm": (-2048, 2047, "li loads larger numbers into a register"),
    _MEMORY: (-2048, 2047, "la loads an address into a register"),
    "shamt": (0, 31, None),
    "upper": (0, 0xFFFFF, "%hi(…) has the upper 20 bits of an address"),
    "value": (-(1 << 31), (1 << 32) - 1, None),
}
_REACHES = {"B": 4096, "J": 1 << 20}
_FENCE = {"i": 8, "o": 4, "r": 2, "w": 1}


def _forms(mnemonic: str, encoding: Encoding) -> tuple[str, ...]:
    if mnemonic in _SPECIAL_FORMS:
        return _SPECIAL_FORMS[mnemonic]
    if encoding.opcode == _LOAD:
        return "rd, offset(rs1)", "rd, symbol"
    if mnemonic in _SHIFTS:
        return ("rd, rs1, shamt",)
    return _FORMS[encoding.format]


FORMS: dict[str, tuple[str, ...]] = {
    **{mnemonic: _forms(mnemonic, encoding) for mnemonic, encoding in INSTRUCTIONS.items()},
    "li": _SPECIAL_FORMS["li"],
}
"""The operands that each instruction may have, as a manual lists them."""

EXTENDED_MNEMONICS = frozenset(FORMS)
"""What RV32IM has."""

MNEMONICS = EXTENDED_MNEMONICS - frozenset(EXTENSION)
"""What RV32I has."""


def size(item: Item) -> int:
    """The bytes of an instruction; those of `li` depend on more. Raises LoopedError."""
    return 8 if "symbol" in _form(item) else 4


def is_short(value: int) -> bool:
    """Whether one instruction can load a number into a register."""
    return high_part(value) == 0 or low_part(value) == 0


def make(item: Item, operands: Operands, size: int) -> list[int]:
    """The words of an instruction that takes `size` bytes. Raises LoopedError."""
    if item.anchor.address % 4:
        message = f"address {item.anchor.address} is no multiple of 4, as instructions need"
        raise LoopedError(message, item.origin, ".align 2 before it")
    form = _form(item)
    values = _Values(item, operands)
    for token, argument in zip(form, item.arguments, strict=True):
        try:
            values.take(token, argument)
        except LoopedError as error:
            raise _explained(error, item, token) from None
    return values.words(size)


def _form(item: Item) -> tuple[str, ...]:
    """The operands of an instruction, among the forms that it may have."""
    forms = [tuple(form.split(", ")) if form else () for form in FORMS[item.kind]]
    count = len(item.arguments)
    fitting = [form for form in forms if len(form) == count]
    if not fitting:
        wanted = " or ".join(str(n) for n in sorted({len(form) for form in forms}))
        plural = "" if wanted == "1" else "s"
        message = f"`{item.kind}` takes {wanted if wanted != '0' else 'no'} operand{plural}"
        raise LoopedError(f"{message}, not {count}", item.span, _usage(item))
    return next((form for form in fitting if _suits(form, item)), fitting[0])


def _suits(form: tuple[str, ...], item: Item) -> bool:
    for token, argument in zip(form, item.arguments, strict=True):
        if is_memory(argument) != (token == _MEMORY):
            return False
        if token == "symbol" and register_named(argument) is not None:
            return False
    return True


def _usage(item: Item) -> str | None:
    """How the instruction is written, unless the user has written another, a macro."""
    if item.note is not None:
        return None
    return " or ".join(f"{item.kind} {form}".strip() for form in FORMS[item.kind])


def _explained(error: LoopedError, item: Item, token: str) -> LoopedError:
    """An error about the kind of an operand, with a hint at what would be right."""
    diagnostic = error.diagnostics[0]
    wrong = re.match(r"(a number|a register|text|memory) (stands|at a)", diagnostic.message)
    if diagnostic.hint is not None or wrong is None:
        return error
    other = _ALSO if token.startswith("r") else {also: name for name, also in _ALSO.items()}
    hint = _usage(item)
    if hint is not None and wrong.group(1) in ("a number", "a register") and item.kind in other:
        hint = f"did you mean `{other[item.kind]}`?"
    return LoopedError(diagnostic.message, diagnostic.span, hint)


@dataclass
class _Values:
    """The operands of one instruction as numbers."""

    item: Item
    operands: Operands
    rd: int = 0
    rs1: int = 0
    rs2: int = 0
    imm: int = 0
    scratch: int | None = None

    def __post_init__(self) -> None:
        if self.item.kind in ("jal", "jalr"):
            self.rd = 1
        elif self.item.kind == "fence":
            self.imm = 0xFF

    def take(self, token: str, argument: Bound | Text) -> None:
        """Note the value of an operand."""
        match token:
            case "rd":
                self.rd = self.operands.register(argument)
            case "rs1":
                self.rs1 = self.operands.register(argument)
            case "rs2":
                self.rs2 = self.operands.register(argument)
            case "scratch":
                self.scratch = self.operands.register(argument)
            case "offset(rs1)":
                self.imm, self.rs1, span = self.operands.memory(argument)
                self._check(token, self.imm, span)
            case "symbol":
                self.imm = self.operands.number(argument) - self.item.anchor.address
            case "target":
                self.imm = self._target(argument)
            case "before":
                self.imm = self._accesses(argument) << 4
            case "after":
                self.imm |= self._accesses(argument)
            case _:
                self.imm = self.operands.number(argument)
                self._check(token, self.imm, span_of(argument))

    def words(self, size: int) -> list[int]:
        """The instruction, or the two that it stands for."""
        name = self.item.kind
        if name == "li":
            return self._load_number(size)
        if size == 4:
            imm = self.imm if name != "fence" else low_part(self.imm)
            return [encode(name, self.rd, self.rs1, self.rs2, imm, INSTRUCTIONS)]
        via = self.rd if self.scratch is None else self.scratch
        first = encode("auipc", via, imm=high_part(self.imm))
        return [first, encode(name, self.rd, via, self.rs2, low_part(self.imm))]

    def _load_number(self, size: int) -> list[int]:
        upper, lower = high_part(self.imm), low_part(self.imm)
        if size == 4 and upper == 0:
            return [encode("addi", self.rd, imm=lower)]
        words = [encode("lui", self.rd, imm=upper)]
        return words if size == 4 else [*words, encode("addi", self.rd, self.rd, imm=lower)]

    def _check(self, token: str, value: int, span: Span) -> None:
        lowest, highest, hint = _RANGES[token]
        if not lowest <= value <= highest:
            reach = f"{lowest} to {highest}" + (f"; {hint}" if hint else "")
            message = f"{value} does not fit `{self.item.kind}`"
            raise LoopedError(message, span, reach)

    def _target(self, argument: Bound | Text) -> int:
        """How far away a target is: the immediate of branches and jumps."""
        target = self.operands.number(argument)
        distance = (target - self.item.anchor.address + (1 << 31)) % (1 << 32) - (1 << 31)
        reach = _REACHES[INSTRUCTIONS[self.item.kind].format]
        if target % 4:
            message = f"no instruction begins at address {target}: it is no multiple of 4"
            raise LoopedError(message, span_of(argument), ".align 2 before the label")
        if not -reach <= distance < reach:
            message = f"{distance:+} bytes are too far for `{self.item.kind}`"
            hint = "branch around a `j`" if reach == 4096 else "use `call` or `tail`"
            hint = f"it reaches -{reach} to +{reach - 4}; {hint}"
            raise LoopedError(message, span_of(argument), hint)
        return distance

    def _accesses(self, argument: Bound | Text) -> int:
        """The bits of a fence's operand: some letters of `iorw`, in that order, or 0."""
        node = None if isinstance(argument, Text) else resolve(argument).expression
        if isinstance(node, Symbol):
            wanted = [letter for letter in "iorw" if letter in node.name]
            if "".join(wanted) == node.name:
                return sum(_FENCE[letter] for letter in wanted)
        message = "a fence orders some of i, o, r and w"
        raise LoopedError(message, span_of(argument), "fence iorw, iorw")
