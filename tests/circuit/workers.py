"""A small machine with workers: each reads a word, adds another to it and may write the sum."""

from __future__ import annotations

from looped.circuit.circuit import Circuit
from looped.circuit.signals import literal
from looped.circuit.words import Word

__all__ = ["adders"]


def adders(register_bits: int = 0, flagged: bool = True, apart: bool = True) -> Circuit:
    """Memory of 32 words of 8 bits, up to four workers.

    The instruction at the program counter is two words: a place and a summand. Worker w adds it to
    the word at the place + w, and writes the sum there if the summand is odd; without `flagged` it
    always does. If not `apart`, all write to the place itself. With a register file the place may
    be a register.
    """
    m = Circuit("adders", 8, 5, register_bits)
    pc = m.register("pc", 5)
    number, mask = m.register("number", 2), m.register("mask", 2)
    m.has_workers(number, mask)
    place, summand = m.fetch("place", pc), m.fetch("summand", pc, 1)
    zero = m.let("zero", 0, 3)
    own = m.let("own", m.add(place[:5], Word("offset", (*number, *zero))))
    content = m.read("content", own)
    if register_bits:
        content = m.let("chosen", m.select(place.sign, m.read_register("x", own), content))
    total = m.let("total", m.add(content, summand))
    m.write(
        "total",
        own if apart else m.let("same", place[:5]),
        total,
        in_registers=place.sign if register_bits else None,
        when=m.let("odd", literal(summand[:1])) if flagged else None,
    )
    m.output("seen", total, 8)
    m.next(pc, m.add(pc, 2))
    return m
