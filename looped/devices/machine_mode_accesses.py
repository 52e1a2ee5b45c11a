"""What an instruction of RV32IMA accesses, and whether it has completed; see `accesses`."""

from __future__ import annotations

from looped.devices.accesses import Accesses, Words, riscv_accesses
from looped.image import Image
from looped.isa.rv32i import FETCH_FAULT

__all__ = ["has_completed", "machine_mode_accesses"]

_ATOMIC, _SYSTEM = 0x2F, 0x73
_LR, _SC = 2, 3
_MSCRATCH, _MEPC, _MCAUSE, _MTVAL, _RESERVATION, _MTVEC = range(32, 38)
_FILED = {0x340: _MSCRATCH, 0x341: _MEPC, 0x342: _MCAUSE, 0x343: _MTVAL, 0x305: _MTVEC}
"""Control registers that are words of the register file."""


def machine_mode_accesses(image: Image, port: Words) -> Accesses:
    """What the instruction at the program counter accesses, or the way to a handler.

    In the last loop of an atomic instruction, which may have changed its own word, it is the
    register that it still writes.
    """
    if port.cpu("entering"):
        return Accesses(registers=(_MEPC, _MCAUSE, _MTVAL))
    if port.cpu("deliver"):
        receiver = port.cpu("receiver")
        return Accesses(registers=(receiver,) if receiver else ())
    index = image.index(port.cpu("pc"))
    if index >= port.size:
        return Accesses()
    word = port.memory(index)
    opcode, funct3 = word & 0x7F, word >> 12 & 7
    if opcode == _ATOMIC and funct3 == 2:
        return _atomic(image, port, word)
    if opcode == _SYSTEM and funct3 & 3:
        return Accesses(registers=(*_changed(word), *_destination(word)))
    return riscv_accesses(image, port)


def has_completed(port: Words) -> bool:
    """Whether the last instruction has not trapped into a handler.

    An interrupt comes after it; where the next instruction is outside memory, it is the next one
    that traps.
    """
    trapped = port.cpu("entering") and not port.cpu("interrupt")
    return not trapped or port.cpu("cause") == FETCH_FAULT


def _atomic(image: Image, port: Words, word: int) -> Accesses:
    address = port.register(word >> 15 & 31)
    target, rd = image.index(address), _destination(word)
    if target >= port.size:
        return Accesses()
    kind = word >> 27
    if kind == _LR:
        return Accesses(reads=(target,), registers=(_RESERVATION, *rd))
    if kind != _SC:
        return Accesses(reads=(target,), writes=(target,), registers=rd)
    succeeds = port.cpu("reserved") and port.register(_RESERVATION) == address
    return Accesses(writes=(target,) if succeeds else (), registers=rd)


def _changed(word: int) -> tuple[int, ...]:
    """The word of the register file that a CSR instruction writes."""
    writes = word >> 12 & 3 == 1 or word >> 15 & 31
    number = word >> 20
    return (_FILED[number],) if writes and number in _FILED else ()


def _destination(word: int) -> tuple[int, ...]:
    rd = word >> 7 & 31
    return (rd,) if rd else ()
