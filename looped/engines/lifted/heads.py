"""Which column the driver attends to, and which columns attend to the driver, head by head.

The *driver* is the one column that computes: the CPU. A query or a key is *fixed* if it depends
only on known lanes. The target of a fixed query is computed once. If the driver's query varies, the
signs of its dimensions are a code, and a table leads from the code to a column. Every head is shown
to be one-hot: the best score exceeds all others by the margin at which the softmax gives them no
weight.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from looped.analysis.forms import common_values, values_in_columns
from looped.analysis.grid import Floats, Ints
from looped.analysis.keys import NOBODY, Answers, KeyCodes, key_codes, sign_codes
from looped.analysis.steps import Threshold
from looped.engines.lifted.model import Head, Known
from looped.errors import CompileError

__all__ = ["Capture", "FixedTarget", "HeadTargets", "Lookup", "columns_of", "head_targets"]

Code = tuple[Threshold, ...]
"""Conditions on lanes of the driver: the bits of a code, least significant first."""

_MOST_CODE_BITS = 22
"""A table of 2^22 columns of 8 bytes takes 32 MB. A code has at most 20 bits for a column, since a
plan has at most 2^20, and two more that distinguish memory, registers and devices."""

_MOST_KEY_BITS = 24
"""The same for tables over all signs of the code dimensions, which are made once for each head: at
most 128 MB."""

_MOST_FREE_LANES = 8
"""All values of a dimension are enumerated, up to 2^8 sums. In the machines each dimension has one
free lane."""


@dataclass(frozen=True, slots=True)
class FixedTarget:
    """The driver always attends to the same column, which may be the driver."""

    column: int


@dataclass(frozen=True, slots=True)
class Lookup:
    """The driver attends to column `table[code]`; NOBODY if no column is shown to win."""

    bits: Code
    table: Ints


@dataclass(frozen=True, slots=True)
class Capture:
    """The driver's key wins the query of passive column `table[code]`, which then attends to the
    driver instead of itself.

    For each lane that this changes, `effects` has a constant, factors of the column's own lanes,
    and factors of the driver's lanes; their sum is added to the lane. All lanes are ±1.
    """

    bits: Code
    table: Ints
    effects: dict[int, tuple[float, dict[int, float], dict[int, float]]]

    @property
    def touched(self) -> set[int]:
        """The lanes of a captured column that the effects depend on or change."""
        return {*self.effects}.union(*(own for _, own, _ in self.effects.values()))


@dataclass(frozen=True, slots=True)
class HeadTargets:
    """A head in all columns: the `driver`'s target, the columns that its key may capture, and
    `targets` (columns,), the column that each one attends to if it is not captured."""

    driver: FixedTarget | Lookup
    capture: Capture | None
    targets: Ints


def columns_of(table: Ints) -> Ints:
    """The columns that a table leads to, each once."""
    present = np.zeros(int(table.max(initial=0)) + 1, np.bool_)
    present[table[table != NOBODY]] = True
    return np.flatnonzero(present)


def head_targets(head: Head, known: Known, driver: int) -> HeadTargets:
    """The targets of a head in columns with the lanes `known` (columns, d_model), 0: not known.

    Raises CompileError unless the head is shown to be one-hot.
    """
    keys, key_reach = values_in_columns(head.key, known)
    queries, query_reach = values_in_columns(head.query, known)
    passive = np.arange(len(known)) != driver
    if key_reach[passive].any() or query_reach[passive].any():
        raise CompileError("the keys or queries of passive columns change")
    key_varies, query_varies = bool(key_reach[driver].any()), bool(query_reach[driver].any())
    if key_varies and query_varies:
        raise CompileError(f"both query and key of column {driver} change")
    fixed = np.flatnonzero(passive) if key_varies else np.arange(len(known))
    index = key_codes(keys, fixed, _MOST_KEY_BITS)
    answers = index.answer(queries)
    targets, capture = answers.column, None
    sure = answers.best - answers.rest >= head.margin
    if key_varies:
        dims = [_Dim(row, known[driver]) for row in head.key]
        contest = _contest(answers, queries, dims, head.margin)
        targets = np.where(contest.always, driver, targets)
        above = answers.best - np.maximum(answers.rest, contest.most)
        sure = contest.always | (above >= head.margin)
        captured = _captured_columns(contest, answers, driver)
        if captured.size:
            capture = _capture(head, dims, queries[captured], captured, known, driver)
    if not sure[passive].all() or not (query_varies or sure[driver]):
        raise CompileError("a head may not be one-hot in every column")
    if not query_varies:
        return HeadTargets(FixedTarget(int(targets[driver])), capture, targets)
    dims = [_Dim(row, known[driver]) for row in head.query]
    return HeadTargets(_lookup(dims, index, head.margin), capture, targets)


class _Dim:
    """One dimension of the driver's query or key: a form over its unknown lanes, and its values."""

    def __init__(self, row: Floats, known: Known) -> None:
        lanes = np.flatnonzero(row)
        self.constant = int(sum(row[lane] * known[lane] for lane in lanes))
        self.free = [(int(lane), int(row[lane])) for lane in lanes if not known[lane]]
        if len(self.free) > _MOST_FREE_LANES:
            raise CompileError("a key or a query mixes many lanes: the model cannot be lifted")
        weights = [weight for _, weight in self.free]
        signs = itertools.product((-1, 1), repeat=len(weights))
        sums = (sum(w * s for w, s in zip(weights, row, strict=True)) for row in signs)
        self.values = sorted({self.constant + total for total in sums})

    def at_least(self, value: int) -> Threshold:
        """The condition that the dimension is at least a value."""
        at = value - self.constant + sum(weight for _, weight in self.free)
        return Threshold(tuple((lane, 2 * weight) for lane, weight in self.free), at)

    def at_most(self, value: int) -> Threshold:
        """The condition that the dimension is at most a value."""
        at = self.constant - value - sum(weight for _, weight in self.free)
        return Threshold(tuple((lane, -2 * weight) for lane, weight in self.free), at)


@dataclass(frozen=True, slots=True)
class _Contest:
    """The driver's varying key against the best fixed one, for each query (columns,).

    It wins `always`, or only if each dimension has its best value for the query (`captured`), or
    never. If it does not win, it scores at most `most`.
    """

    captured: npt.NDArray[np.bool_]
    always: npt.NDArray[np.bool_]
    most: Floats


def _contest(answers: Answers, queries: Floats, dims: Sequence[_Dim], margin: int) -> _Contest:
    top, bottom = np.zeros(len(queries)), np.zeros(len(queries))
    drop = np.full(len(queries), np.inf)
    for query, dim in zip(queries.T, dims, strict=True):
        scores = np.sort(query[:, None] * np.array(dim.values, np.float64), axis=1)
        top, bottom = top + scores[:, -1], bottom + scores[:, 0]
        if len(dim.values) > 1:
            drop = np.minimum(drop, scores[:, -1] - scores[:, -2])
    best = np.where(answers.column == NOBODY, np.inf, answers.best)
    rivals = np.maximum(answers.best, answers.rest)
    always = bottom - rivals >= margin
    captured = ~always & (best - top < margin)
    clear = (top - rivals >= margin) & (best - (top - drop) >= margin)
    if not clear[captured].all():
        raise CompileError("a varying key is shown neither to win a query nor to lose it")
    return _Contest(captured, always, np.where(captured, top - drop, top))


def _captured_columns(contest: _Contest, answers: Answers, driver: int) -> Ints:
    """The columns whose query the driver's key may win.

    Raises CompileError if the driver is one of them, or if one of them does not attend to itself
    when it is not captured.
    """
    if contest.captured[driver]:
        raise CompileError(f"column {driver} may or may not attend to itself")
    columns = np.flatnonzero(contest.captured)
    if (answers.column[columns] != columns).any():
        raise CompileError("a column that can be captured does not attend to itself otherwise")
    return columns


def _capture(
    head: Head, dims: Sequence[_Dim], queries: Floats, columns: Ints, known: Known, driver: int
) -> Capture:
    """The capture of some columns by the driver's key, and its effects."""
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
            raise CompileError("a key mixes lanes: the model cannot be lifted")
    codes = sign_codes(np.stack(values, axis=1))
    if len(np.unique(codes)) < len(codes):
        raise CompileError("one key captures several columns")
    table = np.full(1 << _checked(bits), NOBODY, np.int64)
    table[codes] = columns
    return Capture(tuple(bits), table, _effects(head, columns, known, driver))


def _effects(
    head: Head, columns: Ints, known: Known, driver: int
) -> dict[int, tuple[float, dict[int, float], dict[int, float]]]:
    """How lanes of columns change if these attend to the driver instead of themselves."""
    effects = {}
    for lane, factors in head.w_ov.items():
        values = common_values(known[np.ix_(columns, np.array(list(factors)))])
        constant = sum(factor * int(known[driver, s]) for s, factor in factors.items())
        own = {}
        for (source, factor), value in zip(factors.items(), values.tolist(), strict=True):
            if value:
                constant -= factor * value
            else:
                own[source] = -factor
        effects[lane] = (constant, own, {s: f for s, f in factors.items() if not known[driver, s]})
    return effects


def _lookup(dims: Sequence[_Dim], index: KeyCodes, margin: int) -> Lookup:
    """The column for each code that the driver's query can have.

    The signs of the dimensions are the code. If the magnitude of a dimension varies, the least one
    counts: the dimension is a code dimension, so a larger magnitude can only raise the margin.
    """
    free = [d for d, dim in enumerate(dims) if dim.values[0] < 0 < dim.values[-1]]
    bits = [dims[d].at_least(min(v for v in dims[d].values if v > 0)) for d in free]
    sizes = np.array([min(map(abs, dim.values)) for dim in dims], np.float64)
    for dim, coded in zip(dims, index.coded, strict=True):
        if len({abs(value) for value in dim.values}) > 1 and (0 in dim.values or not coded):
            raise CompileError("a query mixes lanes: the model cannot be lifted")
    fixed = np.array([1.0 if dim.values[-1] > 0 else -1.0 for dim in dims]) * sizes
    codes = np.arange(1 << _checked(bits), dtype=np.int64)
    queries = np.repeat(fixed[None], len(codes), axis=0)
    for position, d in enumerate(free):
        queries[:, d] = sizes[d] * (2.0 * (codes >> position & 1) - 1)
    answers = index.answer(queries)
    return Lookup(
        tuple(bits), np.where(answers.best - answers.rest >= margin, answers.column, NOBODY)
    )


def _checked(bits: Sequence[Threshold]) -> int:
    if len(bits) > _MOST_CODE_BITS:
        raise CompileError("a code has too many bits: the model cannot be lifted")
    return len(bits)
