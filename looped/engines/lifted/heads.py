"""One attention head as it is lived: whom the driver finds, whom its key captures, and who stays.

A column's query or key is *fixed* if it depends on known lanes alone. Fixed queries are answered
once and for all; the driver's other queries spell a code that a table leads to a column. Every
answer is shown to be one-hot: the winner's score lies above all others by more than UNDERFLOW.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped.compiler.heads import UNDERFLOW
from looped.engines.lifted.keys import NOBODY, Answers, Floats, Ints, Keys, sign_codes
from looped.engines.lifted.sparse import Rows, SparseModel
from looped.engines.lifted.terms import Known
from looped.errors import CompileError

__all__ = ["Capture", "Find", "HeadMap", "Lookup", "View", "columns_of", "head_map", "view"]

HeadMap = dict[int, dict[int, float]]
"""W_O·W_V of a head: for each lane that it adds to, factors of lanes of the column found."""

Code = tuple[tuple[int, int], ...]
"""Lanes of the driver that spell a code, first bit least significant, each with its sign there."""


@dataclass(frozen=True, slots=True)
class Find:
    """A head of the driver that always finds the same column; perhaps the driver itself."""

    head: int
    column: int


@dataclass(frozen=True, slots=True)
class Lookup:
    """A head of the driver that finds column `table[code]`; NOBODY where none is sure to win."""

    head: int
    bits: Code
    table: Ints


@dataclass(frozen=True, slots=True)
class Capture:
    """A head through which passive column `table[code]` finds the driver, by the driver's key.

    `effects` says what is then added to its lanes: a constant, factors of its own lanes, and
    factors of the driver's (all lanes ±1).
    """

    head: int
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


def head_map(model: SparseModel, head: int) -> HeadMap:
    """W_O·W_V of a head."""
    result: HeadMap = {}
    for r in range(model.values[head], model.values[head + 1]):
        read = slice(model.value.start[r], model.value.start[r + 1])
        written = slice(model.out.start[r], model.out.start[r + 1])
        for lane, factor in zip(model.out.lane[written], model.out.weight[written], strict=True):
            row = result.setdefault(int(lane), {})
            for source, weight in zip(
                model.value.lane[read], model.value.weight[read], strict=True
            ):
                row[int(source)] = row.get(int(source), 0.0) + float(factor * weight)
    return result


def columns_of(table: Ints) -> Ints:
    """The columns that a table leads to, each once."""
    present = np.zeros(int(table.max(initial=0)) + 1, np.bool_)
    present[table[table != NOBODY]] = True
    return np.flatnonzero(present)


def view(model: SparseModel, head: int, where: HeadMap, known: Known, driver: int) -> View:
    """A head of a model whose lanes (columns, d_model) are known so far.

    `where` is its head map. Raises CompileError for a head that is not shown to be one-hot.
    """
    dims = slice(int(model.dims[head]), int(model.dims[head + 1]))
    keys, key_spread = _applied(model.key, dims, known)
    queries, query_spread = _applied(model.query, dims, known)
    passive = np.arange(len(known)) != driver
    if key_spread[passive].any() or query_spread[passive].any():
        raise CompileError(f"head {head}: keys or queries of passive columns change")
    roaming, asking = bool(key_spread[driver].any()), bool(query_spread[driver].any())
    index = Keys(keys, np.flatnonzero(passive) if roaming else np.arange(len(known)))
    answers = index.answer(queries)
    found, sure, capture = answers.column, answers.best - answers.rest >= UNDERFLOW, None
    if roaming:
        contest = _contest(answers, queries, keys[driver], key_spread[driver])
        found = np.where(contest.always, driver, found)
        rest = np.maximum(answers.rest, contest.most)
        sure = contest.always | (answers.best - rest >= UNDERFLOW)
        if contest.captured[driver]:
            raise CompileError(f"head {head}: column {driver} may or may not find itself")
        columns = np.flatnonzero(contest.captured)
        if columns.size:
            capture = _capture(model, head, where, queries[columns], columns, known, driver)
    if not sure[passive].all() or not (asking or sure[driver]):
        raise CompileError(f"head {head} is not shown to be one-hot in every column")
    if not asking:
        return View(Find(head, int(found[driver])), capture, found)
    if roaming:
        raise CompileError(f"head {head}: both query and key of column {driver} change")
    lookup = _lookup(model, head, index, queries[driver], query_spread[driver], known[driver])
    return View(lookup, capture, found)


def _applied(rows: Rows, dims: slice, known: Known) -> tuple[Floats, Floats]:
    """Rows applied to all columns: the constant part, and how far the unknown lanes may lead."""
    own = slice(int(rows.start[dims.start]), int(rows.start[dims.stop]))
    lanes, place = np.unique(rows.lane[own], return_inverse=True)
    matrix = np.zeros((len(lanes), dims.stop - dims.start))
    row = np.searchsorted(rows.start[dims], np.arange(own.start, own.stop), side="right") - 1
    matrix[place, row] = rows.weight[own]
    values = known[:, lanes]
    spread = np.zeros((len(known), matrix.shape[1]))
    loose = np.flatnonzero((values == 0).any(axis=1))
    spread[loose] = (values[loose] == 0) @ np.abs(matrix)
    return values.astype(np.float64) @ matrix, spread


@dataclass(frozen=True, slots=True)
class _Contest:
    """The driver's changing key against the best fixed one, query by query.

    It wins `always`, or where its code is that of the query (`captured`); elsewhere it scores
    `most` at most.
    """

    captured: npt.NDArray[np.bool_]
    always: npt.NDArray[np.bool_]
    most: Floats


def _contest(answers: Answers, queries: Floats, key: Floats, spread: Floats) -> _Contest:
    middle, reach = queries @ key, np.abs(queries) @ spread
    flip = np.where(spread > 0, 2 * np.abs(queries) * spread, np.inf).min(axis=1)
    best = np.where(answers.column == NOBODY, np.inf, answers.best)
    rivals = np.maximum(answers.best, answers.rest)
    always = middle - reach - rivals >= UNDERFLOW
    captured = ~always & (best - (middle + reach) < UNDERFLOW)
    wins = middle + reach - rivals >= UNDERFLOW
    loses = best - (middle + reach - flip) >= UNDERFLOW
    if not (wins & loses)[captured].all():
        raise CompileError("a key that changes can neither be shown to win nor to lose")
    return _Contest(captured, always, np.where(captured, middle + reach - flip, middle + reach))


def _capture(
    model: SparseModel,
    head: int,
    where: HeadMap,
    queries: Floats,
    columns: Ints,
    known: Known,
    driver: int,
) -> Capture:
    """Whom the driver's key captures in a head, and what that changes."""
    bits, dims = _code_bits(model.key, model.dims[head], model.dims[head + 1], known[driver])
    codes = sign_codes(queries[:, dims])
    if len(np.unique(codes)) < len(codes):
        raise CompileError(f"head {head}: one key captures several columns")
    table = np.full(1 << len(bits), NOBODY, np.int64)
    table[codes] = columns
    effects = {}
    for lane, factors in where.items():
        sources = list(factors)
        values = known[np.ix_(columns, np.array(sources))]
        fixed = (values != 0).all(axis=0) & (values == values[0]).all(axis=0)
        constant = -sum(
            factors[s] * int(v) for s, v, f in zip(sources, values[0], fixed, strict=True) if f
        )
        constant += sum(factor * int(known[driver, s]) for s, factor in factors.items())
        own = {s: -factors[s] for s, f in zip(sources, fixed, strict=True) if not f}
        effects[lane] = (constant, own, {s: f for s, f in factors.items() if not known[driver, s]})
    return Capture(head, bits, table, effects)


def _lookup(
    model: SparseModel, head: int, index: Keys, query: Floats, spread: Floats, known: Known
) -> Lookup:
    """The column for every code that the driver's unknown lanes can ask for."""
    bits, dims = _code_bits(model.query, model.dims[head], model.dims[head + 1], known)
    codes = np.arange(1 << len(bits), dtype=np.int64)
    queries = np.repeat(query[None], len(codes), axis=0)
    for position, dim in enumerate(dims):
        queries[:, dim] = spread[dim] * (2.0 * (codes >> position & 1) - 1)
    answers = index.answer(queries)
    sure = answers.best - answers.rest >= UNDERFLOW
    return Lookup(head, bits, np.where(sure, answers.column, NOBODY))


def _code_bits(rows: Rows, first: int, last: int, known: Known) -> tuple[Code, list[int]]:
    """The dimensions that a column's unknown lanes decide, each by the sign of one lane."""
    bits, dims = [], []
    for r in range(first, last):
        own = slice(rows.start[r], rows.start[r + 1])
        pairs = list(zip(rows.lane[own].tolist(), rows.weight[own].tolist(), strict=True))
        loose = [(lane, weight) for lane, weight in pairs if not known[lane]]
        if not loose:
            continue
        if len(loose) > 1 or sum(weight * int(known[lane]) for lane, weight in pairs):
            raise CompileError("a key or a query mixes lanes: it cannot be lifted")
        bits.append((loose[0][0], 1 if loose[0][1] > 0 else -1))
        dims.append(r - first)
    if len(bits) > _MOST_CODE_BITS:
        raise CompileError("a code of too many bits: it cannot be lifted")
    return tuple(bits), dims


_MOST_CODE_BITS = 22
