"""SUBLEQ: one instruction; program and data share a memory of 8-, 16- or 32-bit words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from looped.devices.accesses import subleq_accesses
from looped.errors import CompileError
from looped.isa.subleq import SUBLEQ as ISA
from looped.lang.plain import plain_language, plain_text
from looped.profiles.subleq import SUBLEQ_PROFILE
from looped.reference import Subleq
from looped.registry.definition import Machine
from looped.registry.parameters import Parameter
from looped.registry.registry import register

if TYPE_CHECKING:
    from looped.circuit.circuit import Circuit
    from looped.decoder import Spec
    from looped.image import Image
    from looped.machines.code import BakedCode
    from looped.symbolic.cases import Case
    from looped.symbolic.loop import Loop

__all__ = ["SUBLEQ"]


def _describe(*given: Any, **parameters: Any) -> Circuit:
    from looped.machines.subleq import describe  # a run of compiled weights needs no circuit

    return describe(*given, **parameters)


def _read_code(image: Image, memory: int) -> BakedCode:
    from looped.machines.subleq_code import read_code

    return read_code(image, memory)


def _prover_cases(loop: Loop) -> Iterator[Case]:
    from looped.symbolic.subleq import subleq_cases  # imports the solver, an optional dependency

    return subleq_cases(loop)


def _causal(*, input: int = 0, **sizes: int) -> Spec:
    from looped.decoder import Spec  # a run of compiled weights needs no causal model

    if input:
        raise CompileError(
            "in a causal machine a word of input replaces another one, and is not added to it",
            hint="run the dialect `input-added` on the looped machine",
        )
    return Spec(**sizes)


def _zero_or_one(width: int) -> Sequence[int]:
    return range(2)


_DIALECTS = (
    Parameter(
        "order",
        "1 if the word that changes is the first operand",
        _zero_or_one,
        lambda width: 0,
        {"target-first": 1},
    ),
    Parameter(
        "input",
        "1 if input is added to a word, not stored in it",
        _zero_or_one,
        lambda width: 0,
        {"input-added": 1},
    ),
)

SUBLEQ = register(
    Machine(
        name=ISA.name,
        widths=ISA.widths,
        describe=_describe,
        reference=Subleq,
        language=plain_language(ISA, width=16, suffix=".sasm"),
        accesses=subleq_accesses,
        disassemble=plain_text(ISA.instructions[0]),
        instruction_words=3,
        parameters=_DIALECTS,
        read_code=_read_code,
        fuzz=SUBLEQ_PROFILE,
        prover_cases=_prover_cases,
        causal=_causal,
    )
)
