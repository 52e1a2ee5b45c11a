"""FLEQ: an instruction calls a function on matrices of fixed-point words, and branches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from looped.devices.fleq import describe_fleq_trap, fleq_accesses
from looped.isa.fleq import WORDS, Format
from looped.isa.fleq_text import disassemble
from looped.lang.fleq import FLEQ as LANGUAGE
from looped.lang.fleq.settings import SIDES
from looped.profiles.fleq import FLEQ_PROFILE
from looped.reference import Fleq
from looped.registry.definition import MINIMUM_MEMORY, Machine
from looped.registry.parameters import Parameter
from looped.registry.registry import register

if TYPE_CHECKING:
    from looped.circuit.circuit import Circuit
    from looped.image import Image
    from looped.machines.fleq.code import FleqCode

__all__ = ["FLEQ"]


def _describe(*given: Any, **parameters: Any) -> Circuit:
    from looped.machines.fleq.machine import describe  # a run of compiled weights needs no circuit

    return describe(*given, **parameters)


def _fraction(width: int) -> int:
    from looped.machines.fleq.machine import FRACTION

    return FRACTION


def _side(width: int) -> int:
    from looped.machines.fleq.machine import SIDE

    return SIDE


def _read_code(image: Image, memory: int) -> FleqCode:
    from looped.machines.fleq.code import explore

    side = image.parameter("side")
    return explore(image, memory, _side(image.width) if side is None else side)


_PARAMETERS = (
    Parameter("fraction", "bits after the point", Format.fractions, _fraction),
    Parameter("side", "words from one row to the next", lambda width: SIDES, _side),
)


_WHY_NO_PROOF = (
    "its manual says what an instruction does to up to 256 elements, each a sum of products, a "
    "quotient or a root that the circuit computes digit by digit in up to 130 loops; the solver "
    "compares one loop with one instruction, and the smallest word has too many bits to try all"
)


def _most_loops(width: int, fraction: int, side: int) -> int:
    """A bound on the loops of an instruction.

    Each of side² elements takes fewer than ten loops, and beside these a loop for each k and digit
    of four bits of a product, or for each bit of a quotient. The branch takes one.
    """
    return side**2 * (10 + max(side * width // 4, width + fraction)) + 1


FLEQ = register(
    Machine(
        name=LANGUAGE.name,
        widths=(32,),
        describe=_describe,
        reference=Fleq,
        language=LANGUAGE,
        accesses=fleq_accesses,
        disassemble=disassemble,
        instruction_words=len(WORDS),
        parameters=_PARAMETERS,
        least_memory=lambda fraction, side: max(MINIMUM_MEMORY, side**2),
        most_loops=_most_loops,
        fuzz=FLEQ_PROFILE,
        why_no_proof=_WHY_NO_PROOF,
        read_code=_read_code,
        describe_trap=describe_fleq_trap,
    )
)
