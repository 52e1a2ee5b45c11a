"""RV32I: the base integer instruction set of RISC-V."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from looped.devices import describe_trap, riscv_host
from looped.devices.accesses import riscv_accesses
from looped.devices.host import Port
from looped.image import Image
from looped.isa.rv32i import FETCH_FAULT, INSTRUCTIONS, REGISTERS, decode
from looped.isa.rv32i_flow import flow
from looped.isa.rv32i_log import commit_line
from looped.isa.rv32i_text import disassemble
from looped.isa.rv32im import EXTENSION, extensions
from looped.lang.riscv import RV32I as LANGUAGE
from looped.lang.riscv import RV32IM as EXTENDED_LANGUAGE
from looped.profiles.riscv import riscv_profile
from looped.reference import Rv32i, riscv_system
from looped.registry.definition import Machine
from looped.registry.regions import REGIONS, most_memory, room
from looped.registry.registry import register

if TYPE_CHECKING:
    from looped.circuit.circuit import Circuit
    from looped.machines.code import BakedCode
    from looped.symbolic.cases import Case
    from looped.symbolic.loop import Loop

__all__ = ["RV32I"]


def _describe(*given: Any, **parameters: Any) -> Circuit:
    from looped.machines.rv32i.machine import describe  # not for a run of compiled weights

    return describe(*given, **parameters)


def _read_code(image: Image, memory: int) -> BakedCode:
    from looped.machines.rv32i.machine import read_code

    return read_code(image, memory)


def _name_of(word: int) -> str | None:
    """The name of the instruction in a word; it may be one of the M extension."""
    found = decode(word, INSTRUCTIONS)
    if found is not None:
        return f"`{found.mnemonic}`"
    extended, name = decode(word, EXTENSION), EXTENDED_LANGUAGE.name
    return None if extended is None else f"`{extended.mnemonic}` of {name}: try --machine {name}"


def _describe_trap(image: Image, port: Port) -> str:
    return describe_trap(image, port, _name_of)


def _prover_cases(loop: Loop) -> Iterator[Case]:
    from looped.symbolic.rv32i import rv32i_cases  # imports the solver, an optional dependency

    return rv32i_cases(loop)


RV32I = register(
    Machine(
        name=LANGUAGE.name,
        widths=LANGUAGE.widths,
        describe=_describe,
        reference=Rv32i,
        language=LANGUAGE,
        accesses=riscv_accesses,
        parameters=REGIONS,
        most_memory=most_memory,
        room=room,
        causes_of_next=frozenset({FETCH_FAULT}),
        disassemble=lambda words, pc, width: disassemble(words[0], pc, INSTRUCTIONS),
        read_code=_read_code,
        fuzz=riscv_profile(LANGUAGE.name, Rv32i, INSTRUCTIONS),
        prover_cases=_prover_cases,
        host=riscv_host,
        system=riscv_system,
        describe_trap=_describe_trap,
        commit_line=commit_line,
        register_numbers=REGISTERS,
        flow=flow,
        runs_elf=lambda architecture: extensions(architecture).isdisjoint("ma"),
    )
)
