"""A graph of passes: a node for each key that recurs, in chains that are left only at a pass.

A chain is a sequence of nodes, each of which but the first, its head, follows on the one before it
and on no other, and is no entry. Passes of a chain have been counted before it begins.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from looped.engines.lifted.code import MASK, Code
from looped.engines.lifted.specialised.observe import Key

__all__ = ["Node", "chains_of", "possible"]

_LONGEST = 32
"""The most nodes of a chain. Near the end of a stretch, and after a pass that has left a chain, up
to so many passes go one by one until a head comes."""

_FEW = 4
"""The most numbers that a following word may be to be tried one by one."""


@dataclass(frozen=True)
class Node:
    """The passes from states with one key: their code, with constants, and keys that may follow,
    the most frequent first. At an `entry` a stream comes from passes outside the graph, too."""

    key: Key
    code: Code
    following: tuple[Key, ...]
    entry: bool = False


def possible(code: Code, words: Sequence[int]) -> list[Key]:
    """The keys that may follow, if these are few: `words` are the words of the key."""
    sets = [_numbers(code, code.following[word]) for word in words]
    size = 1
    for numbers in sets:
        size *= len(numbers)
    return list(product(*sets)) if 0 < size <= _FEW else []


def _numbers(code: Code, value: int) -> list[int]:
    """The numbers that a value may be, none if these are not few."""
    instruction = code.instructions[value]
    if instruction.operation == "const":
        return [instruction.number & MASK]
    if instruction.operation != "select":
        return []
    sides = [_numbers(code, side) for side in instruction.operands[1:]]
    numbers = list(dict.fromkeys(sides[0] + sides[1]))
    return numbers if all(sides) and len(numbers) <= _FEW else []


def chains_of(nodes: Mapping[Key, Node]) -> list[list[Node]]:
    """All nodes in chains."""
    before: dict[Key, list[Key]] = {key: [] for key in nodes}
    for node in nodes.values():
        for key in node.following:
            if key in before:
                before[key].append(node.key)
    inner = {key for key, froms in before.items() if len(froms) == 1 and not nodes[key].entry}
    onward = {}
    for node in nodes.values():
        only = (key for key in node.following if key in inner and key != node.key)
        onward[node.key] = next(only, None)
    reached = {key for key in onward.values() if key is not None}
    chains: list[list[Node]] = []
    left = dict(nodes)
    for key in (*(key for key in nodes if key not in reached), *nodes):
        _take(key, left, onward, chains)
    return chains


def _take(
    key: Key | None,
    left: dict[Key, Node],
    onward: Mapping[Key, Key | None],
    chains: list[list[Node]],
) -> None:
    """Move the nodes from a head on to a new chain, or to several."""
    while key is not None and key in left:
        chain: list[Node] = []
        while key is not None and key in left and len(chain) < _LONGEST:
            chain.append(left.pop(key))
            key = onward[key]
        chains.append(chain)


def heads_of(chains: Collection[list[Node]]) -> dict[Key, int]:
    """The number of the chain that begins with a key."""
    return {chain[0].key: number for number, chain in enumerate(chains)}
