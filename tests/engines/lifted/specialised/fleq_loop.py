"""Random FLEQ programs that are loops, and that change themselves while they run."""

from __future__ import annotations

import random

from looped.isa.fleq import FUNCTIONS, WORDS, Operation, Selector, encode

__all__ = ["fleq_loop"]

_LENGTH = len(WORDS)
_PRINTING = 0.05
"""How often a loop may print: each printed element ends a stretch of machine code."""


def fleq_loop(rng: random.Random, width: int, memory: int, fraction: int, side: int) -> list[int]:
    """A few calls of functions and a jump back to the first one.

    Some judge a branch ahead or to any instruction, most write behind the program, and some to its
    words: to those of the next call, of their own and of any. Some words count up for ever.
    """
    count = rng.randint(1, 4)
    end = _LENGTH * (count + 1)
    zero, one, data = end, end + 1, range(end + 2, memory)
    prints = rng.random() < _PRINTING
    words: list[int] = []
    for place in range(count):
        if rng.random() < 0.3:
            counter = rng.choice(data)
            words += [
                _counts(rng),
                counter,
                one,
                counter,
                rng.choice(data),
                _ahead(rng, place, count),
            ]
            continue
        own = range(_LENGTH * place, _LENGTH * (place + 2))
        target = rng.choice([rng.choice(data)] * 12 + [rng.choice(own), rng.randrange(end)])
        operands = [rng.choice([rng.choice(data)] * 6 + [rng.randrange(memory)]) for _ in range(3)]
        op = encode(_operation(rng, side, prints)) | rng.choice([0, 0, rng.getrandbits(6)]) << 26
        words += [op, *operands[:2], target, operands[2], _ahead(rng, place, count)]
    back = encode(Operation("copy", judge=True))
    words += [back, zero, zero, zero, zero, 0, 0, 1 << fraction if rng.random() < 0.5 else 1]
    return words + [_value(rng, width, fraction) for _ in range(memory - len(words))]


def _counts(rng: random.Random) -> int:
    return encode(Operation(rng.choice(["add", "sub"]), judge=rng.random() < 0.5))


def _ahead(rng: random.Random, place: int, count: int) -> int:
    """A branch to a later instruction, now and then to any."""
    first = 0 if rng.random() < 0.1 else place + 1
    return _LENGTH * rng.randint(first, count)


def _operation(rng: random.Random, side: int, prints: bool) -> Operation:
    """Any function, mostly of a few elements."""
    names = [name for name in FUNCTIONS if name != "print" or prints]
    operands = [Selector(rng.randrange(4)) for _ in range(4)]
    rows, cols, inner = (rng.choice([1, 1, 1, 2, rng.randint(1, side)]) for _ in range(3))
    a, b = (operands[0], operands[1]), (operands[2], operands[3])
    return Operation(rng.choice(names), a, b, rows, cols, inner, rng.random() < 0.4)


def _value(rng: random.Random, width: int, fraction: int) -> int:
    """Words near zero and one, and any."""
    small = [0, 1, 3, 1 << fraction, rng.getrandbits(fraction + 2), rng.getrandbits(width - 1)]
    return rng.choice((1, -1)) * rng.choice(small) % (1 << width)
