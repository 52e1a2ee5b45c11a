"""RISC-V instructions: the operands, size and words of each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from looped.errors import LoopedError, Span
from looped.isa.rv32i import Encoding, encode
from looped.isa.rv32ima import ATOMIC, INSTRUCTIONS, PRIVILEGED
from looped.lang.gnu.items import Item, span_of
from looped.lang.gnu.nodes import Name, Operand
from looped.lang.riscv import pseudo
from looped.lang.riscv.operands import Operands, high_part, is_memory, low_part, register_named

__all__ = ["ATOMIC_MNEMONICS", "BRANCHES", "MNEMONICS", "distance", "is_short", "make", "size"]

_MEMORY = "offset(rs1)"
_FORMS = {
    "R": ("rd, rs1, rs2",),
    "I": ("rd, rs1, imm",),
    "S": ("rs2, offset(rs1)", "rs2, symbol, scratch"),
    "B": ("rs1, rs2, target",),
    "U": ("rd, upper",),
    "J": ("rd, target", "target"),
    "A": ("rd, rs2, offset(rs1)",),
}
_SPECIAL_FORMS = {
    "jalr": ("rd, offset(rs1)", "rd, rs1, imm", "rd, rs1", "rs1, imm", "offset(rs1)", "rs1"),
    "fence": ("before, after", ""),
    "ecall": ("",),
    "ebreak": ("",),
    "li": ("rd, value",),
    "la": ("rd, symbol",),
    "call": ("symbol", "rd, symbol"),
    "tail": ("symbol",),
    "jump": ("symbol, scratch",),
}
_CONTROL = tuple(name for name, encoding in PRIVILEGED.items() if encoding.format == "C")
"""Instructions for control and status registers."""

_ORDERINGS = {"": 0, ".rl": 1, ".aq": 2, ".aqrl": 3}
_ATOMIC = {
    f"{name}{ending}": (name, bits) for name in ATOMIC for ending, bits in _ORDERINGS.items()
}
"""Atomic instructions → the mnemonic without its ordering, the bits aq and rl."""

_FIXED = {
    "fence.tso": 0x8330000F, "fence.i": 0x0000100F, "pause": 0x0100000F, "unimp": 0xC0001073,
    "mret": 0x30200073, "sret": 0x10200073, "wfi": 0x10500073,
}  # fmt: skip
"""Instructions without operands → the word."""

BRANCHES = {
    "beq": "bne", "bne": "beq", "blt": "bge", "bge": "blt", "bltu": "bgeu", "bgeu": "bltu",
}  # fmt: skip
"""Branches → their opposites."""

_REGISTERS = ("rd", "rs1", "rs2", "scratch")
_LOAD, _SHIFTS = 0x03, ("slli", "srli", "srai")
_ALSO = {
    "addi": "add", "slti": "slt", "sltiu": "sltu", "xori": "xor", "ori": "or", "andi": "and",
    "slli": "sll", "srli": "srl", "srai": "sra", "li": "mv",
}  # fmt: skip
"""Instructions that take a number → those that take a register."""

_RANGES = {
    "imm": (-2048, 2047, "li loads larger numbers into a register"),
    _MEMORY: (-2048, 2047, "la loads an address into a register"),
    "shamt": (0, 31, None),
    "number": (0, 31, None),
    "upper": (0, 0xFFFFF, "%hi(…) has the upper 20 bits of an address"),
    "value": (-(1 << 31), (1 << 32) - 1, None),
}
_T1 = 6
_FENCE = {"i": 8, "o": 4, "r": 2, "w": 1}


def _forms(mnemonic: str, encoding: Encoding) -> tuple[str, ...]:
    if mnemonic in _SPECIAL_FORMS:
        return _SPECIAL_FORMS[mnemonic]
    if encoding.opcode == _LOAD:
        return "rd, offset(rs1)", "rd, symbol"
    if mnemonic in _SHIFTS:
        return ("rd, rs1, shamt",)
    if encoding.rs2 is not None:
        return ("rd, offset(rs1)",)
    if mnemonic in _CONTROL:
        return (f"rd, csr, {'number' if mnemonic[-1] == 'i' else 'rs1'}",)
    return _FORMS[encoding.format]


FORMS: dict[str, tuple[str, ...]] = {
    **_SPECIAL_FORMS,
    **{mnemonic: _forms(mnemonic, encoding) for mnemonic, encoding in INSTRUCTIONS.items()},
    **{written: _forms(name, INSTRUCTIONS[name]) for written, (name, _) in _ATOMIC.items()},
    **dict.fromkeys(_FIXED, ("",)),
}
"""The operands that each instruction may have, as a manual lists them."""

MNEMONICS = frozenset({*FORMS, *pseudo.FORMS})
"""What RV32IMA has."""

ATOMIC_MNEMONICS = frozenset(_ATOMIC)
"""What it has of the A extension."""


def size(item: Item) -> int:
    """The bytes of an instruction other than `li`. Raises LoopedError."""
    return 8 if "symbol" in _form(item) else 4


def is_short(value: int) -> bool:
    """Whether one instruction can load a number into a register."""
    return high_part(value) == 0 or low_part(value) == 0


def distance(target: Operand, item: Item, operands: Operands) -> int:
    """The distance from an instruction to a target; addresses wrap. Raises LoopedError."""
    here = item.anchor.address
    return (operands.number(target, here) - here + (1 << 31)) % (1 << 32) - (1 << 31)


def make(item: Item, operands: Operands, size: int) -> list[int]:
    """The words of an instruction that takes `size` bytes. Raises LoopedError."""
    if item.anchor.address % 4:
        message = (
            f"address {item.anchor.address} is not a multiple of 4: no instruction may begin there"
        )
        raise LoopedError(message, item.origin, ".align 2 before it")
    form = _form(item)
    values = _Values(item, operands)
    for token, operand in zip(form, item.operands, strict=True):
        try:
            values.take(token, operand)
        except LoopedError as error:
            raise _explained(error, item, token) from None
    return values.words(size)


def _form(item: Item) -> tuple[str, ...]:
    """The operands of an instruction, among the forms that it may have."""
    forms = [tuple(form.split(", ")) if form else () for form in FORMS[item.kind]]
    count = len(item.operands)
    fitting = [form for form in forms if len(form) == count]
    if not fitting:
        wanted = " or ".join(str(n) for n in sorted({len(form) for form in forms}))
        plural = "" if wanted == "1" else "s"
        message = f"`{item.kind}` takes {wanted if wanted != '0' else 'no'} operand{plural}"
        raise LoopedError(f"{message}, not {count}", item.span, _usage(item))
    return next((form for form in fitting if _suits(form, item)), fitting[0])


def _suits(form: tuple[str, ...], item: Item) -> bool:
    for token, operand in zip(form, item.operands, strict=True):
        if is_memory(operand) != (token == _MEMORY):
            return False
        is_register = register_named(operand) is not None
        if is_register != (token in _REGISTERS) and (is_register or token == "rs1"):
            return False
    return True


def _usage(item: Item) -> str | None:
    """The forms of the instruction that the user wrote; None in a macro."""
    if item.note is not None:
        return None
    name = item.written
    forms = pseudo.FORMS.get(name) or FORMS[name]
    return " or ".join(f"{name} {form}".strip() for form in forms)


def _explained(error: LoopedError, item: Item, token: str) -> LoopedError:
    """An error about the kind of an operand, with a hint that shows the right form."""
    diagnostic = error.diagnostics[0]
    wrong = re.match(r"(a number|a register|text|memory) (stands|at a)", diagnostic.message)
    if diagnostic.hint is not None or wrong is None:
        return error
    hint = _usage(item)
    if hint is not None and wrong.group(1) == "a register" and item.written in _ALSO:
        hint = f"did you mean `{_ALSO[item.written]}`?"
    if hint is not None and wrong.group(1) == "a number" and item.written in ("mv", "move"):
        hint = "did you mean `li`?"
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
        if self.item.kind in ("jal", "jalr", "call"):
            self.rd = 1
        elif self.item.kind == "fence":
            self.imm = 0xFF

    def take(self, token: str, operand: Operand) -> None:
        """Record the value of an operand."""
        here = self.item.anchor.address
        match token:
            case "rd":
                self.rd = self.operands.register(operand)
            case "rs1":
                self.rs1 = self.operands.register(operand)
            case "rs2":
                self.rs2 = self.operands.register(operand)
            case "scratch":
                self.scratch = self.operands.register(operand)
            case "csr":
                self.imm = self.operands.control_register(operand)
            case "number":
                self.rs1 = self.operands.number(operand, here)
                self._check(token, self.rs1, span_of(operand))
            case "offset(rs1)":
                offset, self.rs1, span = self.operands.memory(operand, here)
                self.imm = self._check(token, offset, span)
                if offset and self.item.kind in _ATOMIC:
                    raise LoopedError(f"`{self.item.written}` takes no offset", span, "0(a1)")
            case "symbol":
                self.imm = self.operands.number(operand, here) - here
            case "target":
                self.imm = self._target(operand)
            case "before":
                self.imm = self._accesses(operand) << 4
            case "after":
                self.imm |= self._accesses(operand)
            case _:
                value = self.operands.number(operand, here)
                self.imm = self._check(token, value, span_of(operand))

    def words(self, size: int) -> list[int]:
        """The instruction, or the two that it stands for."""
        name = self.item.kind
        if name in _FIXED:
            return [_FIXED[name]]
        if name in _ATOMIC:
            name, self.imm = _ATOMIC[name][0], _ATOMIC[name][1]
        if name == "li":
            return self._load_number(size)
        if name in BRANCHES and size == 8:
            around = encode(BRANCHES[name], self.rd, self.rs1, self.rs2, 8)
            return [around, encode("jal", imm=self.imm - 4)]
        if size == 4:
            imm = self.imm if name != "fence" else low_part(self.imm)
            return [encode(name, self.rd, self.rs1, self.rs2, imm, INSTRUCTIONS)]
        return self._far(name)

    def _far(self, name: str) -> list[int]:
        """An instruction at a symbol, whose address AUIPC begins."""
        link = self.rd if name == "call" else 0
        via = self.rd
        if name in ("tail", "jump") or (name == "call" and len(self.item.operands) == 2):
            via = _T1
        via = via if self.scratch is None else self.scratch
        first, low = encode("auipc", via, imm=high_part(self.imm)), low_part(self.imm)
        if name in ("call", "tail", "jump"):
            return [first, encode("jalr", link, via, imm=low)]
        if name == "la":
            return [first, encode("addi", via, via, imm=low)]
        return [first, encode(name, self.rd, via, self.rs2, low)]

    def _load_number(self, size: int) -> list[int]:
        upper, lower = high_part(self.imm), low_part(self.imm)
        if size == 4 and upper == 0:
            return [encode("addi", self.rd, imm=lower)]
        words = [encode("lui", self.rd, imm=upper)]
        return words if size == 4 else [*words, encode("addi", self.rd, self.rd, imm=lower)]

    def _check(self, token: str, value: int, span: Span) -> int:
        """A value that fits. Immediates may be words whose upper bits are all ones."""
        lowest, highest, hint = _RANGES[token]
        if lowest == -2048 and 1 << 31 <= value < 1 << 32:
            value -= 1 << 32
        if not lowest <= value <= highest:
            reach = f"{lowest} to {highest}" + (f"; {hint}" if hint else "")
            message = f"{value} does not fit `{self.item.written}`"
            raise LoopedError(message, span, reach)
        return value

    def _target(self, operand: Operand) -> int:
        """The distance to a target: the immediate of branches and jumps."""
        item = self.item
        away = distance(operand, item, self.operands)
        target = item.anchor.address + away
        reach = 1 << 20
        if target % 4:
            message = f"no instruction begins at address {target}: it is not a multiple of 4"
            raise LoopedError(message, span_of(operand), ".align 2 before the label")
        if not -reach <= away < reach:
            message = f"{away:+} bytes are too far for `{item.kind}`"
            hint = f"it reaches -{reach} to +{reach - 4}; use `call` or `tail`"
            raise LoopedError(message, span_of(operand), hint)
        return away

    def _accesses(self, operand: Operand) -> int:
        """The bits of a fence's operand: some letters of `iorw`, in that order, or 0."""
        if isinstance(operand, Name):
            name = operand.symbol.name
            wanted = [letter for letter in "iorw" if letter in name]
            if "".join(wanted) == name:
                return sum(_FENCE[letter] for letter in wanted)
        message = "the operand of a fence is some of i, o, r and w"
        raise LoopedError(message, span_of(operand), "fence iorw, iorw")
