"""RV32I as data: encodings, fields, registers (RISC-V unprivileged specification, 2.2 to 2.8).

An encoding fixes some bits of a 32-bit word; the format says where the operands go in the rest:

    R   funct7      rs2  rs1  funct3  rd           opcode
    I   imm[11:0]        rs1  funct3  rd           opcode
    S   imm[11:5]   rs2  rs1  funct3  imm[4:0]     opcode
    B   imm[12|10:5] rs2 rs1  funct3  imm[4:1|11]  opcode
    U   imm[31:12]                    rd           opcode
    J   imm[20|10:1|11|19:12]         rd           opcode

Extensions have two more:

    A   funct5 imm[1:0] rs2  rs1  funct3  rd       opcode
    C   imm[11:0]        rs1  funct3  rd           opcode

The immediates of these are not signed: the bits aq and rl of an atomic instruction, the number of a
control register.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from looped.errors import CompileError

__all__ = [
    "ABI_NAMES",
    "CAUSES",
    "FETCH_FAULT",
    "FORMATS",
    "INSTRUCTIONS",
    "REGISTERS",
    "Decoded",
    "Encoding",
    "Field",
    "MemoryAccess",
    "accessed",
    "decode",
    "encode",
]


@dataclass(frozen=True, slots=True)
class Encoding:
    """The bits that an instruction fixes. `funct12` is the whole immediate of an I-format (ECALL,
    EBREAK), `rs2` that register of an A-format (LR.W).

    An I-format with a funct7 is a shift by a constant: its immediate is 0 to 31.
    """

    format: str
    opcode: int
    funct3: int | None = None
    funct7: int | None = None
    funct12: int | None = None
    funct5: int | None = None
    rs2: int | None = None

    @property
    def mask(self) -> int:
        """The bits of a word that the encoding fixes."""
        mask = 0x7F
        for part, bits in (
            (self.funct3, 0x00007000),
            (self.funct7, 0xFE000000),
            (self.funct12, 0xFFFFFF80),
            (self.funct5, 0xF8000000),
            (self.rs2, 0x01F00000),
        ):
            mask |= bits if part is not None else 0
        return mask

    @property
    def match(self) -> int:
        """The value of those bits."""
        return (
            self.opcode
            | (self.funct3 or 0) << 12
            | (self.funct7 or 0) << 25
            | (self.funct12 or 0) << 20
            | (self.funct5 or 0) << 27
            | (self.rs2 or 0) << 20
        )


@dataclass(frozen=True, slots=True)
class Field:
    """`width` bits of an immediate, from bit `low`, at bit `at` of a word."""

    low: int
    width: int
    at: int


FORMATS: dict[str, tuple[Field, ...]] = {
    "R": (),
    "I": (Field(0, 12, 20),),
    "S": (Field(0, 5, 7), Field(5, 7, 25)),
    "B": (Field(11, 1, 7), Field(1, 4, 8), Field(5, 6, 25), Field(12, 1, 31)),
    "U": (Field(0, 20, 12),),
    "J": (Field(12, 8, 12), Field(11, 1, 20), Field(1, 10, 21), Field(20, 1, 31)),
    "A": (Field(0, 2, 25),),
    "C": (Field(0, 12, 20),),
}
"""The fields of the immediate of each format; in the U-format it counts pages of 4096 bytes."""

_UNSIGNED = {"A": 2, "C": 12}
"""Formats whose immediate is not signed → its bits."""

_BRANCHES = {"beq": 0, "bne": 1, "blt": 4, "bge": 5, "bltu": 6, "bgeu": 7}
_LOADS = {"lb": 0, "lh": 1, "lw": 2, "lbu": 4, "lhu": 5}
_STORES = {"sb": 0, "sh": 1, "sw": 2}
_IMMEDIATE = {"addi": 0, "slti": 2, "sltiu": 3, "xori": 4, "ori": 6, "andi": 7}
_SHIFTS = {"slli": (1, 0), "srli": (5, 0), "srai": (5, 32)}
_REGISTER = {
    "add": (0, 0),
    "sub": (0, 32),
    "sll": (1, 0),
    "slt": (2, 0),
    "sltu": (3, 0),
    "xor": (4, 0),
    "srl": (5, 0),
    "sra": (5, 32),
    "or": (6, 0),
    "and": (7, 0),
}

INSTRUCTIONS: dict[str, Encoding] = {
    "lui": Encoding("U", 0x37),
    "auipc": Encoding("U", 0x17),
    "jal": Encoding("J", 0x6F),
    "jalr": Encoding("I", 0x67, 0),
    **{name: Encoding("B", 0x63, funct3) for name, funct3 in _BRANCHES.items()},
    **{name: Encoding("I", 0x03, funct3) for name, funct3 in _LOADS.items()},
    **{name: Encoding("S", 0x23, funct3) for name, funct3 in _STORES.items()},
    **{name: Encoding("I", 0x13, funct3) for name, funct3 in _IMMEDIATE.items()},
    **{name: Encoding("I", 0x13, *functs) for name, functs in _SHIFTS.items()},
    **{name: Encoding("R", 0x33, *functs) for name, functs in _REGISTER.items()},
    "fence": Encoding("I", 0x0F, 0),
    "ecall": Encoding("I", 0x73, 0, None, 0),
    "ebreak": Encoding("I", 0x73, 0, None, 1),
}
"""Mnemonic → encoding, in the order of the specification's listing."""

ABI_NAMES: tuple[str, ...] = (
    *("zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1"),
    *(f"a{i}" for i in range(8)),
    *(f"s{i}" for i in range(2, 12)),
    *(f"t{i}" for i in range(3, 7)),
)
"""The name of each register in the calling convention, x0 first."""

REGISTERS: dict[str, int] = {
    **{f"x{number}": number for number in range(32)},
    **{name: number for number, name in enumerate(ABI_NAMES)},
    "fp": 8,
}
"""Every name of a register → its number."""


FETCH_FAULT = 1
"""The cause of a trap at the next fetch: the instruction that leads there has completed."""

CAUSES: dict[int, str] = {
    0: "a jump to an address that is not a multiple of 4",
    FETCH_FAULT: "a fetch from outside memory",
    2: "not an instruction of {machine}",
    3: "a breakpoint",
    4: "a load from an address that is not a multiple of its size",
    5: "a load from outside memory",
    6: "a store to an address that is not a multiple of its size",
    7: "a store outside memory",
    11: "an environment call that no host serves",
}
"""The causes of traps, by their numbers in `mcause`; `machine` is a placeholder."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """An instruction taken apart; fields that its format lacks are 0, the immediate is signed."""

    mnemonic: str
    rd: int = 0
    rs1: int = 0
    rs2: int = 0
    imm: int = 0


def encode(
    mnemonic: str,
    rd: int = 0,
    rs1: int = 0,
    rs2: int = 0,
    imm: int = 0,
    instructions: Mapping[str, Encoding] = INSTRUCTIONS,
) -> int:
    """The 32-bit word of an instruction; operands that its format lacks must be 0.

    `imm` is signed, in bytes for branches and jumps (even), in pages for LUI and AUIPC (which
    accept 0x80000 to 0xfffff as well). ECALL and EBREAK have no `imm`. Raises CompileError for a
    mnemonic that is not in `instructions`, or an operand that does not fit.
    """
    encoding = instructions.get(mnemonic)
    if encoding is None:
        raise CompileError(f"rv32i has no instruction `{mnemonic}`")
    word = encoding.match
    operands = {"rd": (rd, 7), "rs1": (rs1, 15), "rs2": (rs2, 20)}
    for name, (number, at) in operands.items():
        if not 0 <= number < (32 if name in _operands(encoding) else 1):
            raise CompileError(f"`{mnemonic}` cannot have {number} as {name}")
        word |= number << at
    lowest, highest, step = _range(encoding)
    if not lowest <= imm <= highest or imm % step:
        even = "an even number " if step == 2 else ""
        raise CompileError(f"{imm} is not {even}from {lowest} to {highest}: `{mnemonic}`")
    for field in _fields(encoding):
        word |= (imm >> field.low & (1 << field.width) - 1) << field.at
    return word


def decode(word: int, instructions: Mapping[str, Encoding] = INSTRUCTIONS) -> Decoded | None:
    """The instruction in a 32-bit word, None if it is not one of `instructions` (by default
    RV32I)."""
    matches = (n for n, e in instructions.items() if word & e.mask == e.match)
    mnemonic = next(matches, None)
    if mnemonic is None:
        return None
    encoding = instructions[mnemonic]
    names = _operands(encoding)
    places = {"rd": 7, "rs1": 15, "rs2": 20}
    numbers = {name: word >> at & 31 for name, at in places.items() if name in names}
    fields = _fields(encoding)
    raw = sum((word >> f.at & (1 << f.width) - 1) << f.low for f in fields)
    _, highest, _ = _range(encoding)
    if raw > highest or (encoding.format == "U" and raw >> 19):
        raw -= 1 << max(f.low + f.width for f in fields)
    return Decoded(mnemonic, imm=raw, **numbers)


@dataclass(frozen=True, slots=True)
class MemoryAccess:
    """A load into `register`, or a store of it: `size` bytes at `address`."""

    is_store: bool
    address: int
    size: int
    register: int
    is_signed: bool


def accessed(word: int, value_of: Callable[[int], int]) -> MemoryAccess | None:
    """What a load or store accesses, None for another instruction.

    `value_of(number)` is the value of a register.
    """
    found = decode(word)
    if found is None or found.mnemonic not in (*_LOADS, *_STORES):
        return None
    is_store, kind = found.mnemonic in _STORES, found.mnemonic[1:]
    return MemoryAccess(
        is_store,
        value_of(found.rs1) + found.imm & 0xFFFFFFFF,
        {"b": 1, "h": 2, "w": 4}[kind[0]],
        found.rs2 if is_store else found.rd,
        not kind.endswith("u"),
    )


def _operands(encoding: Encoding) -> tuple[str, ...]:
    """The registers that an encoding leaves open."""
    if encoding.funct12 is not None:
        return ()
    if encoding.format == "A" and encoding.rs2 is None:
        return "rd", "rs1", "rs2"
    formats = {"R": ("rd", "rs1", "rs2"), "I": ("rd", "rs1"), "S": ("rs1", "rs2")}
    formats |= {"A": ("rd", "rs1"), "C": ("rd", "rs1")}
    return {**formats, "B": ("rs1", "rs2"), "U": ("rd",), "J": ("rd",)}[encoding.format]


def _fields(encoding: Encoding) -> tuple[Field, ...]:
    """The fields of the immediate that an encoding leaves open."""
    if encoding.funct12 is not None:
        return ()
    if encoding.format == "I" and encoding.funct7 is not None:
        return (Field(0, 5, 20),)
    return FORMATS[encoding.format]


def _range(encoding: Encoding) -> tuple[int, int, int]:
    """The least and the largest immediate, and the number that it must be a multiple of."""
    if not _fields(encoding):
        return 0, 0, 1
    if encoding.format == "I" and encoding.funct7 is not None:
        return 0, 31, 1
    if encoding.format in _UNSIGNED:
        return 0, (1 << _UNSIGNED[encoding.format]) - 1, 1
    bits = {"I": 12, "S": 12, "B": 13, "U": 20, "J": 21}[encoding.format]
    highest = (1 << bits) - 1 if encoding.format == "U" else (1 << bits - 1) - 1
    step = 2 if encoding.format in "BJ" else 1
    return -(1 << bits - 1), highest, step
