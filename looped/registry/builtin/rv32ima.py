"""RV32IMA: RV32IM with atomic instructions, machine mode and a timer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from looped.devices import describe_trap, machine_mode_host
from looped.devices.accesses import riscv_accesses
from looped.devices.host import Port
from looped.image import Image
from looped.isa.rv32i import FETCH_FAULT, decode
from looped.isa.rv32i_flow import flow
from looped.isa.rv32i_log import commit_line
from looped.isa.rv32i_text import disassemble
from looped.isa.rv32im import extensions
from looped.isa.rv32ima import INSTRUCTIONS, REGISTERS
from looped.lang.riscv import RV32IMA as LANGUAGE
from looped.profiles.riscv import MachineModeWriter, riscv_profile
from looped.reference import Rv32ima, machine_mode_system
from looped.registry.definition import MINIMUM_MEMORY, Machine
from looped.registry.regions import REGIONS, most_memory, room
from looped.registry.registry import register

if TYPE_CHECKING:
    from looped.circuit.circuit import Circuit
    from looped.machines.code import BakedCode

__all__ = ["RV32IMA"]

_WHY_NO_PROOF = (
    "an atomic instruction, a control register or a trap takes four loops that hand words on, and "
    "the solver compares one loop with one instruction"
)


def _describe(*given: Any, **parameters: Any) -> Circuit:
    from looped.machines.rv32ima.machine import describe  # not for a run of compiled weights

    return describe(*given, **parameters)


def _read_code(image: Image, memory: int) -> BakedCode:
    from looped.machines.rv32i.machine import read_code

    return read_code(image, memory)


def _name_of(word: int) -> str | None:
    found = decode(word, INSTRUCTIONS)
    return None if found is None else f"`{found.mnemonic}`"


def _describe_trap(image: Image, port: Port) -> str:
    return describe_trap(image, port, _name_of)


RV32IMA = register(
    Machine(
        name=LANGUAGE.name,
        widths=LANGUAGE.widths,
        describe=_describe,
        reference=Rv32ima,
        language=LANGUAGE,
        accesses=riscv_accesses,
        parameters=REGIONS,
        least_memory=lambda **parameters: 2 * MINIMUM_MEMORY,
        most_memory=most_memory,
        room=room,
        causes_of_next=frozenset({FETCH_FAULT}),
        disassemble=lambda words, pc, width: disassemble(words[0], pc, INSTRUCTIONS),
        read_code=_read_code,
        fuzz=riscv_profile(LANGUAGE.name, Rv32ima, INSTRUCTIONS, MachineModeWriter),
        why_no_proof=_WHY_NO_PROOF,
        host=machine_mode_host,
        system=machine_mode_system,
        describe_trap=_describe_trap,
        commit_line=commit_line,
        register_numbers=REGISTERS,
        flow=flow,
        runs_elf=lambda architecture: "a" in extensions(architecture),
    )
)
