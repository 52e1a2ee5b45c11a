"""What an MLP does to every lane of every type of token, in all states, and without rounding.

Both sides of a claim are functions of the same ±1 lanes: one comes from W_gate, W_up and W_down,
the other from `meaning`. They are equal only if they are the same node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from looped.decoder.forms import Lanes
from looped.decoder.spec import Spec
from looped.diagrams import Diagrams, Node, Number, TooLarge
from looped.precision import Precision
from looped.verify.causal.layers import Layer
from looped.verify.causal.meaning import results
from looped.verify.causal.tokens import TokenType
from looped.verify.certificate.claims import ClaimFailed
from looped.verify.certificate.rows import Row, grid_of
from looped.verify.certificate.thresholds import Affine, Product, evaluated

__all__ = ["after_mlp", "bound", "exact_sum", "lattice", "mlp_faults", "sum_faults"]

_STEEP = 128
"""silu(x) is relu(x), exactly, for every multiple x of 128: the sigmoid of 128 rounds to 1 and that
of -128 to zero, for exp(128) exceeds float32."""


def after_mlp(
    spec: Spec, lanes: Lanes, index: int, layer: Layer, kind: TokenType
) -> TokenType | ClaimFailed:
    """A type of token after the MLP of a layer, if that makes what it must and nothing else."""
    space = Diagrams()
    try:
        _arrange(space, lanes, index)
        made = results(spec, lanes, index, kind, space, lambda w: _bits(space, kind, w))
        for lane, row in enumerate(layer.down):
            old = _lane(space, kind, lane)
            change = evaluated(space, _products(layer, row, kind))
            if isinstance(change, ClaimFailed):
                return ClaimFailed(f"lane {lane}: {change.reason}")
            expected = made.get(lane)
            wanted = old if expected is None else _sign(space, expected)
            if space.add(old, change) != wanted:
                return ClaimFailed(f"lane {lane} of `{kind.name}` becomes another number")
    except TooLarge as error:
        return ClaimFailed(str(error))
    return kind.freed(made)


def _arrange(space: Diagrams, lanes: Lanes, index: int) -> None:
    """An order of variables in which sums have small diagrams: bits of equal weight together."""
    if index == 1:
        for lane in (*lanes["a"], *lanes["b"]):
            space.variable(lane)
        return
    words = ["pc"] if index == 0 else ["mem_a", "mem_b"]
    for place in reversed(range(max(len(lanes[word]) for word in words))):
        for word in words:
            if place < len(lanes[word]):
                space.variable(lanes[word][place])


def _bits(space: Diagrams, kind: TokenType, word: Sequence[int]) -> list[Node]:
    return [
        space.number((kind.fixed[lane] + 1) // 2) if lane in kind.fixed else space.variable(lane)
        for lane in word
    ]


def _sign(space: Diagrams, bit: Node) -> Node:
    return space.add(space.scaled(bit, 2), space.number(-1))


def _lane(space: Diagrams, kind: TokenType, lane: int) -> Node:
    return _sign(space, _bits(space, kind, [lane])[0])


def _products(layer: Layer, row: Row, kind: TokenType) -> list[Product]:
    return [
        Product(_affine(layer.gate[unit], kind), _affine(layer.up[unit], kind), factor)
        for unit, factor in row.items()
        if layer.gate[unit] and layer.up[unit]
    ]


def _affine(row: Row, kind: TokenType) -> Affine:
    constant = sum(c * kind.fixed[lane] for lane, c in row.items() if lane in kind.fixed)
    free = tuple((lane, c) for lane, c in row.items() if lane not in kind.fixed)
    return Affine(free, constant)


def exact_sum(numbers: Sequence[Number], grids: Sequence[Number], precision: Precision) -> bool:
    """Whether every partial sum of numbers of at most these magnitudes, which are multiples of
    these grids, is a number of the format."""
    grid = grid_of(grids)
    return not grid or sum(max(x, -x) for x in numbers) <= grid * 2**precision.mantissa


def sum_faults(layer: Layer, precision: Precision) -> Iterator[str]:
    """Sums of a layer that round, scores apart, and gates at which SiLU is not ReLU."""
    for row in (*layer.key, *layer.value):
        if not exact_sum([*row.values()], [*row.values()], precision):
            yield "a key or a value rounds"
    tops: dict[int, tuple[Fraction, Number]] = {}
    for unit, (gate, up) in enumerate(zip(layer.gate, layer.up, strict=True)):
        if not gate or not up:
            continue
        steep = sum(gate.values()) % _STEEP == 0 and all(2 * c % _STEEP == 0 for c in gate.values())
        if not steep:
            yield f"the gate of hidden unit {unit} is not a multiple of {_STEEP}"
        for row in (gate, up):
            if not exact_sum([*row.values()], [*row.values()], precision):
                yield f"a sum of hidden unit {unit} rounds"
        size = Fraction(bound(gate)) * bound(up)
        grid = _STEEP * lattice(up)
        tops[unit] = (size, grid)
        if size > grid * 2**precision.mantissa:
            yield f"hidden unit {unit} rounds"
    for lane, row in enumerate(layer.down):
        used = [(factor, *tops[unit]) for unit, factor in row.items() if unit in tops]
        sizes = [factor * size for factor, size, _ in used]
        if not exact_sum([1, *sizes], [1, *(f * grid for f, _, grid in used)], precision):
            yield f"the sum of lane {lane} rounds"


def bound(row: Row) -> Number:
    """The largest magnitude of a form over ±1 lanes."""
    return sum(max(c, -c) for c in row.values())


def lattice(row: Row) -> Number:
    """The largest power of two of which all values of a form over ±1 lanes are multiples."""
    return grid_of([sum(row.values()), *(2 * c for c in row.values())])


def mlp_faults(
    spec: Spec, lanes: Lanes, index: int, layer: Layer, types: Mapping[str, TokenType]
) -> tuple[dict[str, TokenType], list[str]]:
    """All types of tokens after an MLP, and what is wrong with it."""
    after: dict[str, TokenType] = {}
    faults = []
    for name, kind in types.items():
        found = after_mlp(spec, lanes, index, layer, kind)
        if isinstance(found, ClaimFailed):
            faults.append(found.reason)
        else:
            after[name] = found
    return after, faults
