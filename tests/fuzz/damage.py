"""Damage: what random bytes and careless hands make of a good file."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["damaged", "mistaken", "rearranged"]

_EDGES = (b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f")


def _flip(rng: random.Random, content: bytearray) -> None:
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def _overwrite(rng: random.Random, content: bytearray) -> None:
    at, new = rng.randrange(len(content)), rng.choice(_EDGES)
    content[at : at + len(new)] = new


def _insert(rng: random.Random, content: bytearray) -> None:
    at = rng.randrange(len(content))
    content[at:at] = rng.choice([*_EDGES, rng.randbytes(rng.randrange(1, 9))])


def _remove(rng: random.Random, content: bytearray) -> None:
    at = rng.randrange(len(content))
    del content[at : at + rng.choice((1, 4, 50))]


def _repeat(rng: random.Random, content: bytearray) -> None:
    at, length = rng.randrange(len(content)), rng.choice((1, 8, 60))
    content[at:at] = content[at : at + length] * rng.choice((1, 2, 300))


def _move(rng: random.Random, content: bytearray) -> None:
    source, at, length = rng.randrange(len(content)), rng.randrange(len(content)), rng.randrange(40)
    content[at : at + length] = content[source : source + length]


def _truncate(rng: random.Random, content: bytearray) -> None:
    del content[rng.randrange(len(content)) :]


_WAYS: Sequence[Callable[[random.Random, bytearray], None]] = (
    _flip, _flip, _overwrite, _overwrite, _insert, _remove, _repeat, _move, _truncate,
)  # fmt: skip


def damaged(rng: random.Random, good: bytes) -> bytes:
    """A good file after one to six accidents; once in a while only random bytes."""
    if rng.random() < 0.03:
        return rng.randbytes(rng.randrange(2000))
    content = bytearray(good)
    for _ in range(rng.randint(1, 6)):
        if content:
            rng.choice(_WAYS)(rng, content)
    return bytes(content)


def rearranged(rng: random.Random, pieces: Sequence[str], longest: int) -> str:
    """A text of up to so many pieces."""
    return " ".join(rng.choices(pieces, k=rng.randrange(longest)))


_OTHERS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7, 255, 1 << 31, 1 << 63, 1 << 70, -(1 << 63), 1.5, 1e308, "", "x",
    "8", "pc", "\ud800", [], [0], [[]], {}, {"x": 1}, [1, 2, 3], ["a"], "x" * 1000,
)  # fmt: skip


def mistaken(rng: random.Random, data: Any) -> Any:
    """What JSON holds, with one part of it, anywhere, left out, doubled, or something else."""
    parts = [*data] if isinstance(data, dict) else [*range(len(data))] if type(data) is list else []
    if not parts or rng.random() < 0.15:
        return rng.choice(_OTHERS)
    key = rng.choice(parts)
    copy = dict(data) if isinstance(data, dict) else list(data)
    match rng.randrange(8):
        case 0:
            del copy[key]
        case 1 if isinstance(copy, list):
            copy.append(copy[key])
        case 1:
            copy["surprise"] = copy[key]
        case _:
            copy[key] = mistaken(rng, copy[key])
    return copy
