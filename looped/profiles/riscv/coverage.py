"""What a RISC-V program does, instruction by instruction, by running it on the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from looped.isa.rv32i import Decoded, Encoding, decode
from looped.isa.rv32ima import INSTRUCTIONS
from looped.profiles.case import Case, Coverage
from looped.profiles.riscv.machine_mode_coverage import (
    MACHINE_MODE_CLASSES,
    machine_mode_classes,
)
from looped.profiles.riscv.served import ServedHart
from looped.reference import Rv32i, Rv32ima
from looped.trace import Step

__all__ = ["classes", "observe"]

_TRAPS = {
    0: "trap 0: misaligned jump",
    1: "trap 1: fetch outside memory",
    2: "trap 2: illegal",
    3: "trap 3: breakpoint",
    4: "trap 4: misaligned load",
    5: "trap 5: load outside memory",
    6: "trap 6: misaligned store",
    7: "trap 7: store outside memory",
    11: "trap 11: call",
}
_BRANCH, _LOAD, _STORE = 0x63, 0x03, 0x23
_FAR = 1 << 28
"""The number of the word in the middle of the address space; the words just below address 0 are
beyond it. Only the upper bits of its target make a jump lead there."""
_SHIFTS = ("sll", "srl", "sra", "slli", "srli", "srai")
_EXTENDING = ("lb", "lh", "sra", "srai")
"""The instructions that copy a sign into higher bits of their result."""


def classes(
    width: int, memory: int, *, instructions: Mapping[str, Encoding], **regions: int
) -> tuple[str, ...]:
    """Every class of instructions."""
    taken = (" taken", " not taken")
    names = [
        f"{name}{ending}"
        for name, encoding in instructions.items()
        for ending in (taken if encoding.opcode == _BRANCH else ("",))
    ]
    return (
        *names,
        *_TRAPS.values(),
        "trap served by the host",
        "write to x0 dropped",
        "equal operands",
        "shift by 0",
        "shift by 31",
        "shift by a register beyond 31",
        *(f"{name} extends a negative sign" for name in _EXTENDING),
        *(f"load from byte {i} of a word" for i in range(4)),
        *(f"store to byte {i} of a word" for i in range(4)),
        "misaligned word at an even address",
        "first word changed",
        "last word changed",
        "changed word executed",
        "jump to an odd address",
        "jump far outside memory",
        "address wraps around 2^32",
        *(MACHINE_MODE_CLASSES if "mret" in instructions else ()),
    )


def observe(
    case: Case,
    memory: int,
    steps: int,
    *,
    kind: type[Rv32i],
    instructions: Mapping[str, Encoding],
    **regions: int,
) -> Coverage:
    """What the first `steps` instructions of a program do, on the reference and with its host."""
    run = ServedHart(case.image, memory, case.data, kind)
    counts: Counter[str] = Counter()
    changed: set[int] = set()
    done = 0
    while done < steps and not run.halted:
        pc, registers = run.hart.pc, list(run.hart.x)
        place = run.hart.index(pc)  # outside memory on the way to a handler
        word = run.hart.memory[place] if place < memory else 0
        step = run.step()
        found = decode(word, instructions)
        if isinstance(run.hart, Rv32ima):
            counts.update(machine_mode_classes(run.hart, found, word, step))
        if not isinstance(run.hart, Rv32ima) or run.hart.entered is None:
            counts.update(_classes(run.hart, found, registers, step))
        if step.cause is not None and not run.halted:
            counts["trap served by the host"] += 1
        counts["changed word executed"] += run.hart.index(pc) in changed
        changed.update(access.address for access in step.writes)
        done += 1
    return Coverage(1, int(run.halted), done, +counts)


def _classes(hart: Rv32i, found: Decoded | None, registers: list[int], step: Step) -> Iterator[str]:
    if step.cause is not None:
        yield _TRAPS[step.cause]
    if found is None:
        return
    encoding = INSTRUCTIONS[found.mnemonic]
    a, b = registers[found.rs1], registers[found.rs2]
    if encoding.opcode == _BRANCH:
        taken = step.next_pc != step.pc + 4 or step.cause == 0
        yield f"{found.mnemonic} {'taken' if taken else 'not taken'}"
    else:
        yield found.mnemonic
    if encoding.format in "RIUJ" and found.rd == 0 and step.cause is None:
        yield "write to x0 dropped"
    if encoding.format in "RB" and a == b:
        yield "equal operands"
    if found.mnemonic in _SHIFTS:
        yield from _shift(found, b)
    if found.mnemonic in _EXTENDING and _extends(found, b, step):
        yield f"{found.mnemonic} extends a negative sign"
    if found.mnemonic == "jalr" and a + found.imm & 1:
        yield "jump to an odd address"
    if step.cause == 1 and hart.index(step.next_pc) >= _FAR:
        yield "jump far outside memory"
    if step.cause in (4, 6) and found.mnemonic in ("lw", "sw") and a + found.imm & 3 == 2:
        yield "misaligned word at an even address"
    if encoding.opcode in (_LOAD, _STORE) and step.cause is None:
        yield from _access(hart, encoding.opcode == _LOAD, a, found.imm)


def _shift(found: Decoded, amount: int) -> Iterator[str]:
    by_register = INSTRUCTIONS[found.mnemonic].format == "R"
    if by_register and amount > 31:
        yield "shift by a register beyond 31"
    if _shifted(found, amount) in (0, 31):
        yield f"shift by {_shifted(found, amount)}"


def _shifted(found: Decoded, amount: int) -> int:
    """By how many places a shift moves; `amount` is its second register."""
    return amount & 31 if INSTRUCTIONS[found.mnemonic].format == "R" else found.imm


def _extends(found: Decoded, amount: int, step: Step) -> bool:
    """Whether an instruction writes a negative number whose sign it has copied."""
    negative = any(write.value >> 31 for write in step.registers)
    return negative and not (found.mnemonic in _SHIFTS and _shifted(found, amount) == 0)


def _access(hart: Rv32i, load: bool, base: int, offset: int) -> Iterator[str]:
    address = base + offset & 0xFFFFFFFF
    if address != base + offset:
        yield "address wraps around 2^32"
    if load:
        yield f"load from byte {address & 3} of a word"
        return
    yield f"store to byte {address & 3} of a word"
    if hart.index(address) == 0:
        yield "first word changed"
    if hart.index(address) == len(hart.memory) - 1:
        yield "last word changed"
