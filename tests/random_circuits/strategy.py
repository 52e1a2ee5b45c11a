"""Random valid circuits as text, and a seed for the states that they start in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.random_circuits.expressions import Drawing
from tests.random_circuits.writer import Writer

__all__ = ["Case", "cases", "cases_with_workers"]

SMALL = st.sampled_from([1, 2, 3, 4, 5, 8, 1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64])


@dataclass(frozen=True)
class Case:
    """The text of a circuit, its sizes, its registers (name, width), and a seed for states."""

    text: str
    width: int
    address_bits: int
    register_bits: int
    zero_register: bool
    registers: tuple[tuple[str, int], ...]
    pins: tuple[str, ...]
    zeros: tuple[str, ...]
    """Registers that are zero as a program begins."""
    reserved: bool
    """Whether a word has a name that it may not have."""
    seed: int
    workers: int = 0
    """The bits of the number of a worker; none for a machine with one CPU column."""


@st.composite
def cases(draw: Callable[[st.SearchStrategy[object]], object]) -> Case:
    """Valid circuits of all primitives, mostly of a few bits and words."""
    return _case(draw, workers=False)


@st.composite
def cases_with_workers(draw: Callable[[st.SearchStrategy[object]], object]) -> Case:
    """Valid circuits that may have several CPU columns, which never write to one column."""
    return _case(draw, workers=True)


def _case(draw: Callable[[st.SearchStrategy[object]], object], workers: bool) -> Case:
    drawing = Drawing(draw)
    width = draw(SMALL)
    assert isinstance(width, int)
    writer = Writer(drawing, width, workers)
    writer.begin()
    for _ in range(drawing.upto(8, 1)):
        writer.statement()
    if drawing.upto(2):
        writer.write()
    writer.end()
    sizes = (
        f'"fuzzed", {writer.width}, {writer.address_bits}, {writer.register_bits}, '
        f"{writer.zero_register}"
    )
    first = f'm = Circuit({sizes}, precision=precision("{writer.precision}"))'
    return Case(
        text="\n".join([first, *writer.lines]),
        width=writer.width,
        address_bits=writer.address_bits,
        register_bits=writer.register_bits,
        zero_register=writer.zero_register,
        registers=tuple(writer.registers),
        pins=tuple(writer.pins),
        zeros=tuple(writer.zeros),
        reserved=writer.reserved,
        seed=drawing.upto(1 << 16),
        workers=writer.workers,
    )
