"""RV32IM: RV32I with the M extension, multiplication and division."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from looped.devices import describe_trap, riscv_host
from looped.devices.accesses import riscv_accesses
from looped.devices.host import Port
from looped.image import Image
from looped.isa.rv32i import FETCH_FAULT, REGISTERS, decode
from looped.isa.rv32i_flow import flow
from looped.isa.rv32i_log import commit_line
from looped.isa.rv32i_text import disassemble
from looped.isa.rv32im import INSTRUCTIONS, extensions
from looped.lang.riscv import RV32IM as LANGUAGE
from looped.profiles.riscv import riscv_profile
from looped.reference import Rv32im, riscv_system
from looped.registry.definition import Machine
from looped.registry.regions import REGIONS, most_memory, room
from looped.registry.registry import register

if TYPE_CHECKING:
    from looped.circuit.circuit import Circuit
    from looped.machines.code import BakedCode
    from looped.symbolic.cases import Case
    from looped.symbolic.loop import Loop

__all__ = ["RV32IM"]


def _describe(*given: Any, **parameters: Any) -> Circuit:
    from looped.machines.rv32im.machine import (
        describe,
    )  # a run of compiled weights needs no circuit

    return describe(*given, **parameters)


def _read_code(image: Image, memory: int) -> BakedCode:
    from looped.machines.rv32i.machine import read_code

    return read_code(image, memory)


def _name_of(word: int) -> str | None:
    found = decode(word, INSTRUCTIONS)
    return None if found is None else f"`{found.mnemonic}`"


def _describe_trap(image: Image, port: Port) -> str:
    return describe_trap(image, port, _name_of)


def _prover_cases(loop: Loop) -> Iterator[Case]:
    from looped.symbolic.rv32im import rv32im_cases  # imports the solver, an optional dependency

    return rv32im_cases(loop)


RV32IM = register(
    Machine(
        name=LANGUAGE.name,
        widths=LANGUAGE.widths,
        describe=_describe,
        reference=Rv32im,
        language=LANGUAGE,
        accesses=riscv_accesses,
        parameters=REGIONS,
        most_memory=most_memory,
        room=room,
        causes_of_next=frozenset({FETCH_FAULT}),
        disassemble=lambda words, pc, width: disassemble(words[0], pc, INSTRUCTIONS),
        read_code=_read_code,
        fuzz=riscv_profile(LANGUAGE.name, Rv32im, INSTRUCTIONS),
        prover_cases=_prover_cases,
        host=riscv_host,
        system=riscv_system,
        describe_trap=_describe_trap,
        commit_line=commit_line,
        register_numbers=REGISTERS,
        flow=flow,
        runs_elf=lambda architecture: extensions(architecture) & {*"ma"} == {"m"},
    )
)
