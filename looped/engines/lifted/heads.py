"""One attention head as it is lived: whom the driver finds, whom its key captures, and who stays.

A column's query or key is *fixed* if it depends on known lanes alone. Fixed queries are answered
once and for all; where the driver's are not, the signs of its dimensions spell a code that a table
leads to a column. Every answer is shown to be one-hot: the winner's score lies above all others by
the gap at which the softmax gives them nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped.analysis.keys import NOBODY, Answers, Keys, sign_codes
from looped.analysis.steps import Threshold
from looped.engines.lifted.model import Floats, Head, Ints, Known
from looped.errors import CompileError

__all__ = ["Capture", "Find", "Lookup", "View", "columns_of", "view"]

Code = tuple[Threshold, ...]
"""Conditions on lanes of the driver that spell a code, the least significant bit first."""

_MOST_CODE_BITS = 22
_MOST_LOOSE_LANES = 8


@dataclass(frozen=True, slots=True)
class Find:
    """A head of the driver that always finds the same column; perhaps the driver itself."""

    column: int


@dataclass(frozen=True, slots=True)
class Lookup:
    """A head of the driver that finds column `table[code]`; NOBODY where none is sure to win."""

    bits: Code
    table: Ints


@dataclass(frozen=True, slots=True)
class Capture:
    """A head through which passive column `table[code]` finds the driver, and not itself, by the
    driver's key.

    `effects` says what is then added to its lanes: a constant, factors of its own lanes, and
    factors of the driver's (all lanes ±1).
    """

    bits: Code
    table: Ints
    effects: dict[int, tuple[float, dict[int, float], dict[int, float]]]

    @property
    def touched(self) -> set[int]:
        """The lanes of a captured column that the effects depend on or change."""
        return {*self.effects}.union(*(own for _, own, _ in self.effects.values()))


@dataclass(frozen=True, slots=True)
class View:
    """A head in all columns: the driver's part, a capture perhaps, and whom the others find."""

    own: Find | Lookup
    capture: Capture | None
    found: Ints


def columns_of(table: Ints) -> Ints:
    """The columns that a table leads to, each once."""
    present = np.zeros(int(table.max(initial=0)) + 1, np.bool_)
    present[table[table != NOBODY]] = True
    return np.flatnonzero(present)


def view(head: Head, known: Known, driver: int) -> View:
    """A head over columns whose lanes (columns, d_model) are known so far.

    Raises CompileError for a head that is not shown to be one-hot.
    """
    keys, key_spread = _applied(head.key, known)
    queries, query_spread = _applied(head.query, known)
    passive = np.arange(len(known)) != driver
    if key_spread[passive].any() or query_spread[passive].any():
        raise CompileError("the keys or queries of passive columns change")
    roaming, asking = bool(key_spread[driver].any()), bool(query_spread[driver].any())
    if roaming and asking:
        raise CompileError(f"both query and key of column {driver} change")
    index = Keys(keys, np.flatnonzero(passive) if roaming else np.arange(len(known)))
    answers = index.answer(queries)
    found, sure, capture = answers.column, answers.best - answers.rest >= head.gap, None
    if roaming:
        dims = [_Dim(row, known[driver]) for row in head.key]
        contest = _contest(answers, queries, dims, head.gap)
        found = np.where(contest.always, driver, found)
        sure = contest.always | (answers.best - np.maximum(answers.rest, contest.most) >= head.gap)
        if contest.captured[driver]:
            raise CompileError(f"column {driver} may or may not find itself")
        columns = np.flatnonzero(contest.captured)
        if (answers.column[columns] != columns).any():
            raise CompileError("a captured column does not find itself otherwise")
        if columns.size:
            capture = _capture(head, dims, queries[columns], columns, known, driver)
    if not sure[passive].all() or not (asking or sure[driver]):
        raise CompileError("a head is not shown to be one-hot in every column")
    if not asking:
        return View(Find(int(found[driver])), capture, found)
    dims = [_Dim(row, known[driver]) for row in head.query]
    return View(_lookup(dims, index, head.gap), capture, found)


def _applied(matrix: Floats, known: Known) -> tuple[Floats, Floats]:
    """Rows applied to all columns: the constant part, and how far the unknown lanes may lead."""
    lanes = np.flatnonzero(matrix.any(axis=0))
    values = known[:, lanes]
    spread = np.zeros((len(known), len(matrix)))
    loose = np.flatnonzero((values == 0).any(axis=1))
    spread[loose] = (values[loose] == 0) @ np.abs(matrix[:, lanes]).T
    return values.astype(np.float64) @ matrix[:, lanes].T, spread


class _Dim:
    """One dimension of the driver's query or key: a form over its unknown lanes, and its values."""

    def __init__(self, row: Floats, known: Known) -> None:
        lanes = np.flatnonzero(row)
        self.constant = int(sum(row[lane] * known[lane] for lane in lanes))
        self.loose = [(int(lane), int(row[lane])) for lane in lanes if not known[lane]]
        if len(self.loose) > _MOST_LOOSE_LANES:
            raise CompileError("a key or a query mixes many lanes: it cannot be lifted")
        weights = [weight for _, weight in self.loose]
        signs = itertools.product((-1, 1), repeat=len(weights))
        sums = (sum(w * s for w, s in zip(weights, row, strict=True)) for row in signs)
        self.values = sorted({self.constant + total for total in sums})

    def at_least(self, value: int) -> Threshold:
        """The condition that it is at least a value."""
        at = value - self.constant + sum(weight for _, weight in self.loose)
        return Threshold(tuple((lane, 2 * weight) for lane, weight in self.loose), at)

    def at_most(self, value: int) -> Threshold:
        """The condition that it is at most a value."""
        at = self.constant - value - sum(weight for _, weight in self.loose)
        return Threshold(tuple((lane, -2 * weight) for lane, weight in self.loose), at)


@dataclass(frozen=True, slots=True)
class _Contest:
    """The driver's changing key against the best fixed one, query by query.

    It wins `always`, or where each dimension is the best for the query (`captured`); where it does
    not win it scores `most` at most.
    """

    captured: npt.NDArray[np.bool_]
    always: npt.NDArray[np.bool_]
    most: Floats


def _contest(answers: Answers, queries: Floats, dims: Sequence[_Dim], gap: int) -> _Contest:
    top, bottom = np.zeros(len(queries)), np.zeros(len(queries))
    drop = np.full(len(queries), np.inf)
    for query, dim in zip(queries.T, dims, strict=True):
        scores = np.sort(query[:, None] * np.array(dim.values, np.float64), axis=1)
        top, bottom = top + scores[:, -1], bottom + scores[:, 0]
        if len(dim.values) > 1:
            drop = np.minimum(drop, scores[:, -1] - scores[:, -2])
    best = np.where(answers.column == NOBODY, np.inf, answers.best)
    rivals = np.maximum(answers.best, answers.rest)
    always = bottom - rivals >= gap
    captured = ~always & (best - top < gap)
    clear = (top - rivals >= gap) & (best - (top - drop) >= gap)
    if not clear[captured].all():
        raise CompileError("a key that changes can neither be shown to win nor to lose")
    return _Contest(captured, always, np.where(captured, top - drop, top))


def _capture(
    head: Head, dims: Sequence[_Dim], queries: Floats, columns: Ints, known: Known, driver: int
) -> Capture:
    """Whom the driver's key captures in a head, and what that changes."""
    bits, values = [], []
    for query, dim in zip(queries.T, dims, strict=True):
        if len(dim.values) == 1:
            continue
        if len(dim.values) == 2 or (query > 0).all():
            bits.append(dim.at_least(dim.values[-1]))
            values.append(query)
        elif (query < 0).all():
            bits.append(dim.at_most(dim.values[0]))
            values.append(-query)
        else:
            raise CompileError("a key mixes lanes: it cannot be lifted")
    codes = sign_codes(np.stack(values, axis=1))
    if len(np.unique(codes)) < len(codes):
        raise CompileError("one key captures several columns")
    table = np.full(1 << _checked(bits), NOBODY, np.int64)
    table[codes] = columns
    return Capture(tuple(bits), table, _effects(head, columns, known, driver))


def _effects(
    head: Head, columns: Ints, known: Known, driver: int
) -> dict[int, tuple[float, dict[int, float], dict[int, float]]]:
    """What a head adds to columns that find the driver and not themselves."""
    effects = {}
    for lane, factors in head.moved.items():
        sources = list(factors)
        values = known[np.ix_(columns, np.array(sources))]
        fixed = (values != 0).all(axis=0) & (values == values[0]).all(axis=0)
        constant = sum(factor * int(known[driver, s]) for s, factor in factors.items())
        own = {}
        for source, value, same in zip(sources, values[0].tolist(), fixed, strict=True):
            if same:
                constant -= factors[source] * value
            else:
                own[source] = -factors[source]
        effects[lane] = (constant, own, {s: f for s, f in factors.items() if not known[driver, s]})
    return effects


def _lookup(dims: Sequence[_Dim], index: Keys, gap: int) -> Lookup:
    """The column for every code that the driver's unknown lanes can ask for.

    The signs of the dimensions are the code. Where a magnitude varies the least one is taken: the
    winner leads by more if it is larger, provided that all keys are of the same size there.
    """
    loose = [d for d, dim in enumerate(dims) if dim.values[0] < 0 < dim.values[-1]]
    bits = [dims[d].at_least(min(v for v in dims[d].values if v > 0)) for d in loose]
    sizes = np.array([min(map(abs, dim.values)) for dim in dims], np.float64)
    for dim, coded in zip(dims, index.coded, strict=True):
        if len({abs(value) for value in dim.values}) > 1 and (0 in dim.values or not coded):
            raise CompileError("a query mixes lanes: it cannot be lifted")
    fixed = np.array([1.0 if dim.values[-1] > 0 else -1.0 for dim in dims]) * sizes
    codes = np.arange(1 << _checked(bits), dtype=np.int64)
    queries = np.repeat(fixed[None], len(codes), axis=0)
    for position, d in enumerate(loose):
        queries[:, d] = sizes[d] * (2.0 * (codes >> position & 1) - 1)
    answers = index.answer(queries)
    return Lookup(tuple(bits), np.where(answers.best - answers.rest >= gap, answers.column, NOBODY))


def _checked(bits: Sequence[Threshold]) -> int:
    if len(bits) > _MOST_CODE_BITS:
        raise CompileError("a code of too many bits: it cannot be lifted")
    return len(bits)
