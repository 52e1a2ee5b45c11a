"""fuse_reads: a head adds a register directly onto a word, which saves the MLP of the sum.

A head adds its output to the residual stream. If the lanes that it adds to hold a word, they then
hold the sum: the register needs no lanes, and the sum needs no MLP. The pass looks for definitions
`word ± x[a] ± x[b] …` without carries (`disjoint_or` and `without` of words), whose word and
registers nothing else uses. It removes the definition and lets the heads read onto the word in
turn: the first leaves a partial sum in the word's lanes, the last the whole sum.

A second run changes nothing, so that code that compares weights with a circuit may call it on a
fused circuit too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from looped.circuit.circuit import Circuit, Define, Read
from looped.circuit.words import Form, Lane, Word, bit

__all__ = ["fuse_reads"]


@dataclass(frozen=True, slots=True)
class _Sum:
    """A definition that heads can make: a word, and the reads that are added or subtracted."""

    define: Define
    base: Word
    reads: tuple[Read, ...]
    negated: tuple[bool, ...]


def fuse_reads(circuit: Circuit) -> Circuit:
    """The circuit with sums of a word and registers fused into the heads that read them.

    It computes the same wherever each partial sum is 0 or 1 in every place. A certificate proves
    that, as for any definition.
    """
    uses = _uses(circuit)
    sums = [found for d in circuit.defines if (found := _as_sum(circuit, d, uses)) is not None]
    fused = {id(old): new for found in sums for old, new in _heads(found)}
    gone = {id(found.define) for found in sums}
    return replace(
        circuit,
        reads=[fused.get(id(read), read) for read in circuit.reads],
        defines=[define for define in circuit.defines if id(define) not in gone],
    )


def _uses(circuit: Circuit) -> dict[Lane, int]:
    """The number of bits and statements that use each lane; registers use both their values."""
    counts: dict[Lane, int] = {}

    def use(lanes: set[Lane]) -> None:
        for lane in lanes:
            counts[lane] = counts.get(lane, 0) + 1

    for _, lanes in circuit.uses():
        use(lanes)
    for register in circuit.registers:
        use({*register.word, *(register.following or ())})
    return counts


def _as_sum(circuit: Circuit, define: Define, uses: dict[Lane, int]) -> _Sum | None:
    """The definition as a sum that heads can make, or None."""
    signals = define.value.signals
    if len(signals) != circuit.width or any(signal.gated for signal in signals):
        return None
    if any(lane in register for register in _kept(circuit) for lane in define.target):
        return None
    lanes = signals[0].linear.terms
    reads = [r for r in circuit.reads if r.onto is None and r.result[0] in lanes]
    if any(len(read.result) != circuit.width for read in reads):
        return None
    bases = [d.target for d in circuit.defines if d.target[0] in lanes]
    if not reads or len(bases) != 1 or len(bases[0]) != circuit.width:
        return None
    factors = [2 * lanes[read.result[0]] for read in reads]
    if any(factor not in (-1, 1) for factor in factors):
        return None
    if any(uses[lane] != 1 for word in (bases[0], *(r.result for r in reads)) for lane in word):
        return None
    for place, signal in enumerate(signals):
        terms = zip(reads, factors, strict=True)
        if signal.linear.key != _sum_at(bases[0], [*terms], place).key:
            return None
    ordered = sorted(zip(reads, factors, strict=True), key=lambda pair: pair[1] < 0)
    negated = tuple(factor < 0 for _, factor in ordered)
    return _Sum(define, bases[0], tuple(read for read, _ in ordered), negated)


def _kept(circuit: Circuit) -> list[tuple[Lane, ...]]:
    """The lanes of next values, which must be in the lanes of their registers."""
    return [register.following.lanes for register in circuit.registers if register.following]


def _sum_at(base: Word, reads: list[tuple[Read, Fraction]], place: int) -> Form:
    """The form that a place of the sum must have."""
    form = bit(base[place])
    for read, factor in reads:
        form = form + bit(read.result[place]) * factor
    return form


def _heads(found: _Sum) -> list[tuple[Read, Read]]:
    """Each read and its replacement; additions come before subtractions."""
    pairs = []
    onto = found.base
    for index, (read, negated) in enumerate(zip(found.reads, found.negated, strict=True)):
        last = index == len(found.reads) - 1
        result = found.define.target if last else read.result
        name = found.define.name if last else read.name
        new = replace(read, name=name, onto=onto, negated=negated, result=result)
        pairs.append((read, new))
        onto = result
    return pairs
