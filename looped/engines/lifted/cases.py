"""Finds the decisions of lifted code and the cases that a pass is likely to be.

A decision is a comparison with a constant, before heads read operands, that selects between values.
In a machine with an instruction set these are the tests of the instruction. They depend on one
load. Which outcomes occur together is found by trial: words that satisfy one comparison each,
otherwise random. The plan says which lanes of the driver are rarely set: that of a halt, and those
of an instruction that takes another pass. A pass with other outcomes, or with such a lane, is none
of the cases, so a trial that misses some costs speed only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from looped.engines.lifted.code import MASK, Code
from looped.engines.lifted.dispatch import KEY_BITS, Cases
from looped.engines.lifted.lift import Lifted
from looped.engines.lifted.partial import evaluated, under
from looped.engines.lifted.specialised.fold import Impossible, folded

__all__ = ["cases_of"]

_LEAST = 500
"""Shorter code is executed whole: the key and its entry take a dozen instructions."""

_BEFORE = 2
"""Decisions lie before this cut: the heads after it read operands."""

_SHARING = 4
"""A comparison shares bits with at least this fraction of all. Of RV32IM's 67 one meets 2 others,
and each of the rest 50 or more."""

_TRIALS = 512
"""Words for each comparison. With 64, chance leaves out two instructions of RV32IM."""

_SMALL = 3
"""A case is this much shorter than the whole code, else its decisions decide too little. RV32I's
have a quarter at most; what FLEQ decides so early leaves half of its code."""

_LIKELY = 72
"""Trials that make a case likely. In RV32I and RV32IM each instruction has 116 or more, and all
other outcomes have 39 at most."""

_MOST = 200
"""Cases at most; their number takes 8 bits."""

Words = npt.NDArray[np.uint64]


def cases_of(lifted: Lifted, rare: Collection[int]) -> Cases | None:
    """The cases of lifted code; None if it has no decisions, or is short.

    Where one of the driver's `rare` lanes is set, no case is chosen.
    """
    code = lifted.code
    if len(code.instructions) < _LEAST or len(lifted.behaviour.drivers) > 1:
        return None
    load, tests = _tests(lifted)
    if not tests or len(lifted.packed) > KEY_BITS:
        return None
    flags = {
        number: sum(1 << place for place, lane in enumerate(word) if lane in rare)
        for number, word in enumerate(lifted.words)
    }
    flags = {number: mask for number, mask in flags.items() if mask}
    rows, codes = _folded(lifted, load, tests, flags)
    if not codes:
        return None
    choice = _choice(code, tests, rows, len(codes))
    return Cases(flags, evaluated(code, [load]), choice, tuple(codes))


def _folded(
    lifted: Lifted, load: int, tests: Sequence[int], flags: Mapping[int, int]
) -> tuple[dict[tuple[int, ...], int], list[Code]]:
    """Likely outcomes with the number of their case, and the cases; outcomes whose code is the same
    share one."""
    code, found = lifted.code, dict[tuple[object, ...], int]()
    sizes = [*map(len, lifted.words)], len(lifted.packed)
    usual, load_then, tests_then = _usual(lifted, load, tests, flags)
    codes: list[Code] = []
    rows = {}
    for row in _likely(code, load, tests):
        held = [test for test, holds in zip(tests, row, strict=True) if holds]
        fixed = dict(zip(tests_then, row, strict=True))
        try:
            part = under(usual, fixed, {load_then: _given(code, held)})
            case = folded(part, *sizes, {}, {})
        except Impossible:
            continue
        if _SMALL * len(case.instructions) <= len(code.instructions):
            same = *case.instructions, *case.following
            rows[row] = found.setdefault(same, len(found))
            if len(codes) < len(found):
                codes.append(case)
    return rows, codes


def _usual(
    lifted: Lifted, load: int, tests: Sequence[int], flags: Mapping[int, int]
) -> tuple[Code, int, list[int]]:
    """The code of passes under no flag; and where the load and the tests are in it."""
    code = lifted.code
    states = {n: i.number for n, i in enumerate(code.instructions) if i.operation == "state"}
    clear = {n: (flags[word], 0) for n, word in states.items() if word in flags}
    wanted = replace(code, following=[*code.following, load, *tests])
    found = folded(under(wanted, {}, clear), [*map(len, lifted.words)], len(lifted.packed), {}, {})
    end = len(code.following)
    load_then, *tests_then = found.following[end:]
    del found.following[end:]
    return found, load_then, tests_then


def _given(code: Code, tests: Iterable[int]) -> tuple[int, int]:
    """The mask and the pattern of a word for which some tests hold."""
    mask = pattern = 0
    for value in tests:
        test = _test(code, value)
        assert test is not None
        mask, pattern = mask | test[1], pattern | test[2]
    return mask, pattern


def _conditions(code: Code) -> set[int]:
    """The values that select between others, or that are selected."""
    return {o for i in code.instructions if i.operation == "select" for o in i.operands}


def _tests(lifted: Lifted) -> tuple[int, list[int]]:
    """The comparisons of one load that select, and the load: that with most of them."""
    code = lifted.code
    selects = _conditions(code)
    found: dict[int, list[int]] = {}
    for value in range(lifted.cuts[_BEFORE - 1].end):
        test = _test(code, value)
        if value in selects and test is not None:
            found.setdefault(test[0], []).append(value)
    loads = [n for n in found if code.instructions[n].operation == "load"]
    stores = [n for n, i in enumerate(code.instructions) if i.operation == "store"]
    loads = [n for n in loads if n < min(stores, default=n + 1)]
    load = max(loads, key=lambda n: len(found[n]), default=-1)
    return load, _of_one_field(code, found.get(load, []))


def _of_one_field(code: Code, tests: Sequence[int]) -> list[int]:
    """The comparisons that share bits with many others. One that does not is of an operand, as of
    the register that an instruction writes: every case has it both ways."""
    masks = [test[1] for value in tests if (test := _test(code, value)) is not None]
    near = (sum(bool(mask & other) for other in masks) for mask in masks)
    return [value for value, n in zip(tests, near, strict=True) if _SHARING * n >= len(tests)]


def _test(code: Code, value: int) -> tuple[int, int, int] | None:
    """The word, the mask and the pattern of a comparison `word & mask == pattern`."""
    instruction = code.instructions[value]
    if instruction.operation != "equal":
        return None
    word, pattern = instruction.operands[0], code.number(instruction.operands[1])
    if pattern is None:
        return None
    masked = code.instructions[word]
    mask = code.number(masked.operands[1]) if masked.operation == "and" else None
    return (word, MASK, pattern) if mask is None else (masked.operands[0], mask, pattern)


def _likely(code: Code, load: int, tests: Sequence[int]) -> list[tuple[int, ...]]:
    """Outcomes of tests, those that most trials have first."""
    rng = np.random.default_rng(0)
    trials = []
    for value in tests:
        test = _test(code, value)
        assert test is not None
        _, mask, pattern = test
        words = rng.integers(0, 1 << 64, _TRIALS, dtype=np.uint64, endpoint=False)
        trials.append(words & np.uint64(~mask & MASK) | np.uint64(pattern))
    words = np.unique(np.concatenate(trials) & np.uint64(code.most[load]))
    outcomes = np.stack([_holds(code, value, words) for value in tests], axis=1)
    counts = Counter(tuple(map(int, row)) for row in outcomes.tolist())
    return [row for row, count in counts.most_common(_MOST) if count >= _LIKELY]


def _holds(code: Code, value: int, words: Words) -> npt.NDArray[np.bool_]:
    test = _test(code, value)
    assert test is not None
    _, mask, pattern = test
    return np.asarray((words & np.uint64(mask)) == np.uint64(pattern))


def _choice(
    code: Code, decided: Sequence[int], rows: Mapping[tuple[int, ...], int], none: int
) -> Code:
    """The code that finds the case of the decided values, `none` if they are in no row."""
    result = evaluated(code, decided)
    places = range(0, len(decided), 64)
    words = [_packed(result, result.following[start : start + 64]) for start in places]
    chosen = result.const(none)
    for row, case in rows.items():
        same = result.const(1)
        for start, word in zip(places, words, strict=True):
            number = sum(bit << n for n, bit in enumerate(row[start : start + 64]))
            same = result.both(same, result.emit("equal", word, result.const(number)))
        chosen = result.emit("select", same, result.const(case), chosen)
    result.following = [chosen]
    return result


def _packed(code: Code, bits: Sequence[int]) -> int:
    """Bits as one word."""
    word = code.const(0)
    for place, bit in enumerate(bits):
        word = code.either(word, code.shift(bit, place))
    return word
