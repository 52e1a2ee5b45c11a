"""What the layers of a SUBLEQ machine must do, written from the manual and the text format.

Layer 1 gathers the latest address, value and program counter, layer 2 fetches the instruction,
layer 3 reads its two words and subtracts. Words of 32 bits take a fourth layer, which subtracts the
upper half. The next program counter is due behind the value of its record, so it may use that value
as layer 1 has gathered it. `purposes` says what each head copies from which token, `results` what
each MLP makes, as functions of the lanes before it. Everything else must stay as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from looped.decoder.forms import Lanes
from looped.decoder.spec import Spec
from looped.diagrams import Diagrams, Node
from looped.verify.causal.scores import Purpose
from looped.verify.causal.tokens import TokenType, marked

__all__ = ["HALF", "Bits", "layers_of", "purposes", "results"]

Bits = Callable[[Sequence[int]], list[Node]]
"""The lanes of a word as conditions, lowest bit first."""

HALF = 16
"""Bits that one MLP subtracts: a wider word has its upper bits from the next layer."""

_BORROW = f"mem_b-mem_a.borrow.{HALF}"

_APART = 2
"""Tokens between two cells of one address: `out p` is the shortest record."""


def layers_of(spec: Spec) -> int:
    """The layers of a machine."""
    return 2 + -(-spec.width // HALF)


def purposes(spec: Spec, lanes: Lanes, index: int) -> list[Purpose]:
    """What the heads of a layer are for."""
    if index == 0:
        return _gathering(spec, lanes)
    first, second = "ab" if spec.order == 0 else "ba"
    fetched = {"pc": first, "pc+1": second, "pc+2": "c"}
    words = {1: fetched, 2: {"a": "mem_a", "b": "mem_b"}}.get(index, {})
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
        return _decoded(lanes, space, bits)
    made = _difference(lanes, index - 2, space, bits)
    if index == 2:
        made |= _due(spec, lanes, kind, bits) | _next(lanes, space, bits)
    return made


def _counters(
    spec: Spec, lanes: Lanes, kind: TokenType, space: Diagrams, bits: Bits
) -> dict[int, Node]:
    """The addresses of the other operands, the program counter after the instruction, the address
    after the last refresh, the address of a word in a line of the prompt: its low bits are the
    column. A program counter has no more bits than its token."""
    made: dict[int, Node] = {}
    counter, following = lanes["pc"][: spec.pc_bits], lanes["following"][: spec.pc_bits + 1]
    sums = [(lanes["pc"], 1, lanes["pc+1"]), (lanes["pc"], 2, lanes["pc+2"])]
    sums.append((counter, 3, following))
    if spec.window is not None:
        sums.append((lanes["oldest"], 1, lanes["oldest+1"]))
    for word, count, target in sums:
        made |= zip(target, plus(space, bits(word), count, len(target)), strict=True)
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


def _decoded(lanes: Lanes, space: Diagrams, bits: Bits) -> dict[int, Node]:
    """Input where a is -1, output where b is -1 and a is not, else a subtraction."""
    takes, shows = _all(space, bits(lanes["a"])), _all(space, bits(lanes["b"]))
    gives = space.times(shows, space.negated(takes))
    subtracts = space.negated(space.maximum(takes, shows))
    names = ("reading.next", "writing.next", "subtracting")
    return {lanes[n][0]: node for n, node in zip(names, (takes, gives, subtracts), strict=True)}


def _due(spec: Spec, lanes: Lanes, kind: TokenType, bits: Bits) -> dict[int, Node]:
    """`?` in place of a value, a byte of output in place of a record with an address."""
    marks = marked(spec)
    made: dict[int, Node] = {}
    if kind.name in marks["is_b"] - marks.get("is_r", set()):
        (made[lanes["due_ask"][0]],) = bits(lanes["reading.next"])
    if kind.name in marks["due_b"] or (spec.window is None and kind.name in marks["is_p"]):
        (made[lanes["due_out"][0]],) = bits(lanes["writing.next"])
    return made


def _difference(lanes: Lanes, half: int, space: Diagrams, bits: Bits) -> dict[int, Node]:
    """The bits of mem[b] - mem[a] in place of those of mem[b], if the instruction subtracts; the
    borrow into the next half, whatever it does."""
    made: dict[int, Node] = {}
    (subtracts,) = bits(lanes["subtracting"])
    borrow = space.zero if half == 0 else bits(lanes[_BORROW])[0]
    part = slice(half * HALF, (half + 1) * HALF)
    words = (lanes["result"][part], bits(lanes["mem_b"][part]), bits(lanes["mem_a"][part]))
    for lane, x, y in zip(*words, strict=True):
        changed = _odd(space, _odd(space, x, y), borrow)
        made[lane] = space.choose(subtracts, changed, x)
        borrow = _most(space, space.negated(x), y, borrow)
    if len(lanes["result"]) > part.stop:
        made[lanes[_BORROW][0]] = borrow
    return made


def _next(lanes: Lanes, space: Diagrams, bits: Bits) -> dict[int, Node]:
    """c if the instruction subtracts and the value of its record is zero or negative, else the
    program counter after the instruction."""
    value, (subtracts,) = bits(lanes["value"]), bits(lanes["subtracting"])
    positive = space.times(space.negated(value[-1]), space.negated(_none(space, value)))
    jumps = space.times(subtracts, space.negated(positive))
    following = bits(lanes["following"])
    after = zip(lanes["pc.next"], bits(lanes["c"]), following, strict=True)
    return {lane: space.choose(jumps, c, n) for lane, c, n in after}


def _none(space: Diagrams, word: Sequence[Node]) -> Node:
    return _all(space, [space.negated(bit) for bit in word])
