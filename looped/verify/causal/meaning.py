"""What the layers of a SUBLEQ machine must do, written from the manual and the text format.

Layer 1 gathers the latest address, value and program counter, layer 2 fetches the instruction,
layer 3 reads its two words. `purposes` says what each head copies from which token, `results` what
each MLP makes, as functions of the lanes before it. Everything else must stay as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from looped.decoder.forms import Lanes
from looped.decoder.spec import Spec
from looped.diagrams import Diagrams, Node
from looped.verify.causal.scores import Purpose
from looped.verify.causal.tokens import TokenType, marked

__all__ = ["Bits", "purposes", "results"]

Bits = Callable[[Sequence[int]], list[Node]]
"""The lanes of a word as conditions, lowest bit first."""

_APART = 2
"""Tokens between two cells of one address: `out p` is the shortest record."""


def purposes(spec: Spec, lanes: Lanes, index: int) -> list[Purpose]:
    """What the heads of a layer are for."""
    if index == 0:
        return _gathering(spec, lanes)
    words = {"pc": "a", "pc1": "b", "pc2": "c"} if index == 1 else {"a": "mem_a", "b": "mem_b"}
    if index == 1 and spec.window is not None:
        words["oldest"] = "word"
    cells = frozenset(marked(spec)["cell"])
    found = []
    for address, target in words.items():
        copies = dict(zip(lanes[target], lanes["value"], strict=True))
        pairs = frozenset(zip(lanes[address], lanes["address"], strict=False))
        found.append(Purpose(f"`{target}` at `{address}`", copies, cells, pairs, _APART))
    return found


def _gathering(spec: Spec, lanes: Lanes) -> list[Purpose]:
    marks, words = marked(spec), {"is_b": lanes["address"], "is_p": lanes["pc"]}
    for k in range(spec.digits):
        low = 8 * (spec.digits - 1 - k)
        words[f"is_v{k}"] = lanes["value"][low : low + 8]
    if spec.window is not None:
        words["is_r"] = lanes["oldest"]
    found = []
    for flag, word in words.items():
        copies = dict(zip(word, lanes["digit"], strict=False))
        found.append(Purpose(f"the latest {flag[3:]}", copies, frozenset(marks[flag])))
    return found


def results(
    spec: Spec, lanes: Lanes, index: int, kind: TokenType, space: Diagrams, bits: Bits
) -> dict[int, Node]:
    """The lanes that the MLP of a layer makes, as conditions, in tokens of a type."""
    if index == 0:
        return _counters(spec, lanes, kind, space, bits)
    if index == 1:
        return _due(spec, lanes, kind, space, bits)
    return _difference(lanes, space, bits)


def _counters(
    spec: Spec, lanes: Lanes, kind: TokenType, space: Diagrams, bits: Bits
) -> dict[int, Node]:
    """The three program counters, the address after the last refresh, the address of a word in a
    line of the prompt: its low bits are the column."""
    size = spec.width if spec.pc_bits == spec.width - 1 else spec.pc_bits
    made: dict[int, Node] = {}
    sums = [("pc", 1, lanes["pc1"]), ("pc", 2, lanes["pc2"]), ("pc", 3, lanes["next"][:size])]
    if spec.window is not None:
        sums.append(("oldest", 1, lanes["oldest1"]))
    for word, count, target in sums:
        made |= zip(target, plus(space, bits(lanes[word]), count, len(target)), strict=True)
    if kind.name in marked(spec)["image"]:
        made |= zip(lanes["address"], bits(lanes["column"]), strict=False)
    return made


def plus(space: Diagrams, word: Sequence[Node], count: int, size: int) -> list[Node]:
    """The low bits of an unsigned word plus a number."""
    total, carry = [], space.zero
    for i in range(size):
        bit = word[i] if i < len(word) else space.zero
        own = space.number(count >> i & 1)
        total.append(_odd(space, _odd(space, bit, own), carry))
        carry = _most(space, bit, own, carry)
    return total


def _odd(space: Diagrams, a: Node, b: Node) -> Node:
    return space.choose(a, space.negated(b), b)


def _most(space: Diagrams, a: Node, b: Node, c: Node) -> Node:
    return space.choose(a, space.maximum(b, c), space.times(b, c))


def _all(space: Diagrams, word: Sequence[Node]) -> Node:
    held = space.one
    for bit in reversed(word):
        held = space.times(held, bit)
    return held


def _due(spec: Spec, lanes: Lanes, kind: TokenType, space: Diagrams, bits: Bits) -> dict[int, Node]:
    """Input where a is -1, output where b is -1 and a is not; in both cases the program goes on
    at pc + 3, so c becomes that."""
    takes, shows = _all(space, bits(lanes["a"])), _all(space, bits(lanes["b"]))
    marks = marked(spec)
    made: dict[int, Node] = {}
    if kind.name in marks["is_b"] - marks.get("is_r", set()):
        made[lanes["due_ask"][0]] = takes
    if kind.name in marks["due_b"] or (spec.window is None and kind.name in marks["is_p"]):
        made[lanes["due_out"][0]] = space.times(shows, space.negated(takes))
    either = space.maximum(takes, shows)
    after = zip(lanes["c"], bits(lanes["c"]), bits(lanes["next"]), strict=True)
    return made | {lane: space.choose(either, n, c) for lane, c, n in after}


def _difference(lanes: Lanes, space: Diagrams, bits: Bits) -> dict[int, Node]:
    """mem[b] - mem[a] in place of mem[b]; c in place of the next program counter if the wrapped
    difference is zero or negative."""
    made: dict[int, Node] = {}
    borrow, zero, sign = space.zero, space.one, space.zero
    for lane, x, y in zip(lanes["mem_b"], bits(lanes["mem_b"]), bits(lanes["mem_a"]), strict=True):
        sign = _odd(space, _odd(space, x, y), borrow)
        made[lane] = sign
        borrow = _most(space, space.negated(x), y, borrow)
        zero = space.times(zero, space.negated(sign))
    jumps = space.maximum(sign, zero)
    after = zip(lanes["next"], bits(lanes["next"]), bits(lanes["c"]), strict=True)
    return made | {lane: space.choose(jumps, c, n) for lane, n, c in after}
