"""Texts with the token that is due after each of theirs: runs, and forged histories."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from looped.decoder import Kind, Record, Spec, Vocabulary
from looped.decoder.records import record_of
from looped.reference import Subleq


@dataclass(frozen=True)
class History:
    """Tokens, and what is due after each; None where the host or nobody continues."""

    tokens: list[int]
    due: list[int | None]


def run(spec: Spec, words: list[int], data: bytes, most: int, entry: int = 0) -> History:
    """The run of a program, until it halts or has `most` tokens."""
    vocabulary = Vocabulary(spec)
    tokens = vocabulary.prompt(words, entry)
    due: list[int | None] = [None] * (len(tokens) - 1)
    reference = Subleq(words, spec.width, spec.memory, data, entry, spec.order)
    while not reference.halted and len(tokens) < most:
        record = record_of(reference.step(), spec.width)
        new = vocabulary.record(record)
        tokens += new
        due += _expected(vocabulary, record, new)
    return History(tokens, [*due, None])


def forged(spec: Spec, rng: random.Random, most: int, hot: int) -> History:
    """A history of writes that no program made, at `hot` addresses again and again.

    After each jump to a random address, the model is to predict the instruction there, from
    whatever the history has left in memory. Behind a value that no program made, it is to predict
    the branch on that value.
    """
    vocabulary, top = Vocabulary(spec), (1 << spec.width) - 1
    pool = [rng.randrange(spec.memory) for _ in range(hot)]

    def word() -> int:
        common = [rng.choice(pool), top, 0, 1, 2, top >> 1, (top >> 1) + 1]
        return rng.choice([rng.randrange(top + 1), rng.choice(common)])

    def place() -> int:
        return rng.choice(pool) if rng.random() < 0.8 else rng.randrange(spec.memory)

    words = [0] * spec.memory
    for address in rng.sample(pool, hot // 2):
        words[address] = word()
    pc = place() % (1 << spec.pc_bits)
    tokens = vocabulary.prompt(words, pc)
    due: list[int | None] = [None] * (len(tokens) - 1)
    while len(tokens) < most:
        real, at = _next(spec, words, pc), pc
        pc = place() % (1 << spec.pc_bits)
        if real.address is None:
            other = replace(real, value=rng.randrange(256), pc=pc)
        else:
            other = replace(real, address=place(), value=word(), pc=pc)
            if real.kind is Kind.WRITE:
                real = replace(real, pc=_branch(spec, words, at, other.value))
            words[other.address] = other.value
        due += _expected(vocabulary, real, vocabulary.record(real))
        tokens += vocabulary.record(other)
    return History(tokens, [*due, None])


def _next(spec: Spec, words: list[int], pc: int) -> Record:
    reference = Subleq(words, spec.width, spec.memory, b"", pc)
    record = record_of(reference.step(), spec.width)
    return record if record.pc is None else replace(record, pc=record.pc % (1 << spec.pc_bits))


def _branch(spec: Spec, words: list[int], pc: int, value: int) -> int | None:
    """The program counter after a subtraction at `pc` whose result is a value; None if it is
    negative."""
    sign, following = 1 << (spec.width - 1), (pc + 3) % (1 << spec.width)
    found = words[(pc + 2) % spec.memory] if value & sign or value == 0 else following
    return None if found & sign else found % (1 << spec.pc_bits)


def _expected(vocabulary: Vocabulary, record: Record, tokens: list[int]) -> list[int | None]:
    """The tokens that the model is to predict: the host, not the model, gives input."""
    if record.kind is not Kind.INPUT:
        return list(tokens)
    return [*tokens[:2], *[None] * vocabulary.spec.digits, tokens[-1]]
