"""What a RISC-V program stopped at, in words: the trap, the place, the instruction, or a test."""

from __future__ import annotations

from looped.devices.csr import ControlRegisters
from looped.devices.host import Port
from looped.devices.htif import Htif
from looped.image import Image
from looped.isa.rv32i import CAUSES, decode, word_index
from looped.isa.rv32im import RISCV

__all__ = ["failed_test", "unserved_trap"]


def unserved_trap(image: Image, host: ControlRegisters | Htif | None, port: Port) -> str | None:
    """Why a machine that has halted did so, if it was by a trap and not by `exit`; else None."""
    if host is None or host.exit_code is not None:
        return None
    pc, cause = port.cpu("pc"), port.cpu("cause")
    location = image.location(pc)
    place = f"{pc:#x}" + (f" ({location})" if location else "")
    message = f"trap at {place}: {CAUSES[cause].format(machine=image.machine)}"
    if word_index(pc) >= port.size:
        return message
    word = port.memory(word_index(pc))
    return f"{message}: {word:#010x}{_named(word, image.machine)}"


def failed_test(host: ControlRegisters | Htif | None) -> str | None:
    """Which test a program has told at `tohost` to have failed, if any."""
    if isinstance(host, Htif) and host.status:
        return f"test {host.status} failed"
    return None


def _named(word: int, machine: str) -> str:
    """What instruction a word is, of this machine or of another one."""
    for name, instructions in RISCV.items():
        found = decode(word, instructions)
        if found is not None:
            other = "" if found.mnemonic in RISCV[machine] else f" of {name}: try --machine {name}"
            return f", `{found.mnemonic}`{other}"
    return ""
