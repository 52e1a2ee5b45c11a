"""RV32I: the machine, made of the core without an extension."""

from __future__ import annotations

from looped.circuit.circuit import Circuit
from looped.circuit.signals import literal
from looped.errors import CompileError
from looped.image import Image, Regions
from looped.machines.code import BakedCode
from looped.machines.rv32i.core import core, fetch, no_cause
from looped.machines.rv32i.extension import NO_EXTENSION
from looped.machines.rv32i.places import Places
from looped.precision import FLOAT32, Precision

__all__ = ["circuit", "describe", "read_code"]


def describe(
    width: int,
    address_bits: int,
    code: None = None,
    precision: Precision = FLOAT32,
    **regions: int,
) -> Circuit:
    """One step of RV32I with 2^address_bits words of memory in `regions`: see Regions.of.

    Raises CompileError for a format that cannot hold the sums of its two-part adders.
    """
    m = circuit("rv32i", width, address_bits, precision)
    places = Places(Regions.of(regions), address_bits)
    fetched = fetch(m, places)
    no_cause(m, fetched, literal(fetched.trapped))
    core(m, places, fetched, NO_EXTENSION)
    return m


def circuit(
    name: str, width: int, address_bits: int, precision: Precision, register_bits: int = 5
) -> Circuit:
    """A circuit with the registers of RISC-V, and as many more as the bits of their numbers allow.
    Raises CompileError; see `describe`."""
    if precision.mantissa < FLOAT32.mantissa:
        raise CompileError(
            f"{name} cannot be compiled for {precision.name}", hint="--dtype float32"
        )
    return Circuit(
        name,
        width,
        address_bits,
        register_bits=register_bits,
        zero_register=True,
        precision=precision,
    )


def read_code(image: Image, memory: int) -> BakedCode:
    """Raises CompileError: registers hold the targets of jumps, so the code is not known."""
    raise CompileError(
        f"an {image.machine} program cannot be baked into the weights: its jump targets are known "
        "only when it runs",
        hint="run it on the universal machine: leave out --bake",
    )
