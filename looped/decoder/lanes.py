"""The lanes of a causal machine: what a token knows of itself, and what it computes."""

from __future__ import annotations

from looped.circuit.signals import Signal
from looped.circuit.words import Lane, Word, bit
from looped.decoder.forms import Lanes
from looped.decoder.machine import machine
from looped.decoder.spec import COLUMN_BITS, Spec
from looped.decoder.traced import Traced

__all__ = ["machine_lanes", "replaced"]


def machine_lanes(spec: Spec) -> Lanes:
    """The lanes by name; lowest bit first in a word.

    Set by the embedding: `digit` is the number of the token; `is_…` its kind; `cell` says that it
    is a memory cell, `first` that it is the first token, `image` that it is a word of the prompt
    and `column` which one of its line; `due_…` is the kind of the next token, as far as this one
    decides it.

    Computed: the words of the trace, by their names in the circuit. A word that replaces another
    one has its lanes.
    """
    lanes = Lanes(_text(spec))
    placed = machine(spec)
    for phase in range(2 * placed.layers):
        for read in placed.schedule.reads.get(phase, []):
            lanes.add(read.result.name, len(read.result))
        for word in _defined(placed, phase):
            if word[0].word not in lanes.groups:
                _place(lanes, placed, word)
    return lanes


def _text(spec: Spec) -> list[tuple[str, int]]:
    groups = [
        ("digit", max(8, spec.address_bits, spec.pc_bits)),
        *[("is_b", 1), ("is_v", spec.digits), ("is_p", 1)],
        *[("cell", 1), ("first", 1), ("image", 1), ("column", COLUMN_BITS)],
        *[("due_b", 1), ("due_v", spec.digits), ("due_p", 1)],
    ]
    if spec.window is not None:
        groups += [("is_r", 1), ("refreshes", 1), ("due_r", 1), ("due_u", spec.digits)]
    return groups


def _defined(placed: Traced, phase: int) -> list[Word]:
    """The words of which an MLP makes bits."""
    bits = placed.schedule.bits.get(phase, [])
    return list({bit.define.name: bit.define.target for bit in bits}.values())


def _place(lanes: Lanes, placed: Traced, word: Word) -> None:
    """A word takes the lanes of another one if it replaces its lanes, or those are never made; else
    it gets lanes of its own."""
    signals = {
        each.lane: (each.signal, phase)
        for phase, bits in placed.schedule.bits.items()
        for each in bits
    }
    own, made = word[0].word, placed.schedule.made
    old = {lane: replaced(placed, *signals[lane]) for lane in word if lane in signals}
    others = {lane.word for lane in old.values() if lane is not None}
    if len(others) == 1:
        (other,) = others
        pairs = [(old.get(lane), Lane(other, lane.index)) for lane in word]
        free = all(was == there or there not in made for was, there in pairs)
        if free and len(lanes[other]) >= len(word):
            lanes.alias(own, lanes[other][: len(word)])
            return
    lanes.add(own, len(word))


def replaced(placed: Traced, signal: Signal, phase: int) -> Lane | None:
    """A lane that nothing needs after a phase, and that a signal is, apart from gated terms."""
    for lane in signal.linear.terms:
        if not signal.linear - bit(lane) and placed.schedule.cleared_in(lane) == phase:
            return lane
    return None
