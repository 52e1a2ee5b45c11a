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

from looped.analysis.forms import common_values
from looped.analysis.grid import Floats, Ints
from looped.analysis.keys import NOBODY, SEVERAL, Answers, KeyCodes, code_table
from looped.analysis.steps import Threshold
from looped.engines.lifted.contest import Side, fixed_answers, index_rows, side_of
from looped.engines.lifted.layout import EACH_COLUMN, Layout
from looped.engines.lifted.model import Head, Known
from looped.errors import CompileError

__all__ = [
    "Capture",
    "FixedTarget",
    "HeadTargets",
    "Lookup",
    "columns_of",
    "head_targets",
    "without",
]

Code = tuple[Threshold, ...]
"""Conditions on lanes of the driver: the bits of a code, least significant first."""

_MOST_CODE_BITS = 24
"""A table of 2^24 columns of 8 bytes takes 128 MB. A code has at most 22 bits for a column, since a
plan has at most 2^22, and two more that distinguish memory, registers and devices."""

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
    `targets` (rows,), the column that those of a row attend to if they are not captured, or
    ITSELF."""

    driver: FixedTarget | Lookup
    capture: Capture | None
    targets: Ints


def columns_of(table: Ints) -> Ints:
    """The columns that a table leads to, each once."""
    present = np.zeros(int(table.max(initial=0)) + 1, np.bool_)
    present[table[table != NOBODY]] = True
    return np.flatnonzero(present)


def without(columns: Ints, others: Ints) -> Ints:
    """Columns without some others."""
    left: Ints = columns[~np.isin(columns, others, kind="table")]
    return left


def head_targets(
    head: Head, known: Known, driver: int, layout: Layout = EACH_COLUMN, strays: bool = False
) -> HeadTargets:
    """The targets of a head in columns with the lanes `known` (rows, d_model), 0: not known.

    `driver` is the row of the driver. Some of the alike columns may attend to it as `strays`.
    Raises CompileError unless the head is shown to be one-hot.
    """
    keys, queries = side_of(head.key, known, layout), side_of(head.query, known, layout)
    passive = np.arange(len(known)) != driver
    if keys.reach[passive].any() or queries.reach[passive].any():
        raise CompileError("the keys or queries of passive columns change")
    key_varies, query_varies = bool(keys.reach[driver].any()), bool(queries.reach[driver].any())
    if key_varies and query_varies:
        raise CompileError(f"both query and key of column {layout.column(driver)} change")
    index = index_rows(keys, np.flatnonzero(passive | (not key_varies)), layout)
    answers = fixed_answers(index, queries, layout, layout.column(driver) if strays else None)
    targets, capture = answers.column, None
    sure = answers.best - answers.rest >= head.margin
    if key_varies:
        dims = [_Dim(row, known[driver]) for row in head.key]
        contest = _contest(answers, queries, dims, head.margin)
        targets = np.where(contest.always, layout.column(driver), targets)
        above = answers.best - np.maximum(answers.rest, contest.most)
        sure = contest.always | (above >= head.margin)
        captured = _captured_rows(contest, answers, driver, layout)
        if captured.size:
            capture = _capture(head, dims, queries, captured, known, driver, layout)
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
    """The driver's varying key against the best fixed one, for the query of each row (rows,).

    It wins `always`, or only if each dimension has its best value for the query (`captured`), or
    never. If it does not win, it scores at most `most`.
    """

    captured: npt.NDArray[np.bool_]
    always: npt.NDArray[np.bool_]
    most: Floats


def _contest(answers: Answers, side: Side, dims: Sequence[_Dim], margin: int) -> _Contest:
    queries = side.values
    top, bottom = np.zeros(len(queries)), np.zeros(len(queries))
    drop = np.full(len(queries), np.inf)
    for query, dim in zip(queries.T, dims, strict=True):
        scores = np.sort(query[:, None] * np.array(dim.values, np.float64), axis=1)
        top, bottom = top + scores[:, -1], bottom + scores[:, 0]
        if len(dim.values) > 1:
            drop = np.minimum(drop, scores[:, -1] - scores[:, -2])
    for d in side.coded:
        if dims[d].values != [-value for value in reversed(dims[d].values)]:
            raise CompileError("a varying key scores differently in columns that are alike")
    best = np.where(answers.column == NOBODY, np.inf, answers.best)
    rivals = np.maximum(answers.best, answers.rest)
    always = bottom - rivals >= margin
    captured = ~always & (best - top < margin)
    clear = (top - rivals >= margin) & (best - (top - drop) >= margin)
    if not clear[captured].all():
        raise CompileError("a varying key is shown neither to win a query nor to lose it")
    return _Contest(captured, always, np.where(captured, top - drop, top))


def _captured_rows(contest: _Contest, answers: Answers, driver: int, layout: Layout) -> Ints:
    """The rows of columns whose query the driver's key may win.

    Raises CompileError if the driver is one of them, or if one of them does not attend to itself
    when it is not captured.
    """
    if contest.captured[driver]:
        raise CompileError(f"column {layout.column(driver)} may or may not attend to itself")
    rows = np.flatnonzero(contest.captured)
    if (answers.column[rows] != layout.columns(len(answers.column))[rows]).any():
        raise CompileError("a column that can be captured does not attend to itself otherwise")
    return rows


def _capture(
    head: Head,
    dims: Sequence[_Dim],
    side: Side,
    rows: Ints,
    known: Known,
    driver: int,
    layout: Layout,
) -> Capture:
    """The capture of some columns by the driver's key, and its effects."""
    bits, places = [], []
    values, codes = side.values.copy(), side.codes
    differing = side.coded if 0 in rows else np.zeros(0, np.int64)
    for d, dim in enumerate(dims):
        query = values[rows, d]
        if len(dim.values) == 1:
            continue
        places.append(d)
        if len(dim.values) == 2 or (d not in differing and (query > 0).all()):
            bits.append(dim.at_least(dim.values[-1]))
        elif d not in differing and (query < 0).all():
            bits.append(dim.at_most(dim.values[0]))
            values[:, d] *= -1
        else:
            raise CompileError("a key mixes lanes: the model cannot be lifted")
    numbers, columns = layout.coded(rows, values, codes, places)
    table = code_table(numbers, columns, _checked(bits))
    if (table == SEVERAL).any():
        raise CompileError("one key captures several columns")
    return Capture(tuple(bits), table, _effects(head, rows, known, driver))


def _effects(
    head: Head, rows: Ints, known: Known, driver: int
) -> dict[int, tuple[float, dict[int, float], dict[int, float]]]:
    """How lanes of columns change if these attend to the driver instead of themselves."""
    effects = {}
    for lane, factors in head.w_ov.items():
        values = common_values(known[np.ix_(rows, np.array(list(factors)))])
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
    return Lookup(tuple(bits), _looked_up(index, fixed, free, _checked(bits), margin))


def _looked_up(index: KeyCodes, query: Floats, free: Sequence[int], bits: int, margin: int) -> Ints:
    """The column that wins for each sign of the dimensions `free` of a query, the first one as the
    lowest bit; NOBODY if none is shown to."""
    coded = np.flatnonzero(index.coded).tolist()
    bit = {d: place for place, d in enumerate(coded)}
    numbers = np.arange(1 << bits, dtype=np.int64)
    base = sum(1 << place for d, place in bit.items() if d not in free and query[d] > 0)
    codes = np.full(1 << bits, base, np.int64)
    first = 0
    for number in range(1, bits + 1):  # dimensions that are consecutive bits of both
        place = bit.get(free[first])
        if number < bits and place is not None and bit.get(free[number]) == place + number - first:
            continue
        if place is not None:
            run = numbers >> first & (1 << number - first) - 1
            codes |= run << place
        first = number
    others = [d for d in free if d not in bit]
    sizes = np.abs(query[coded]) * index.magnitude[coded]
    bounds: list[Floats | float] = []
    for group in index.groups:
        bound = sizes.sum() + np.delete(query, others) @ np.delete(group.constant, others)
        varying = [d for d in others if group.constant[d]]
        for d in varying:
            sign = 2.0 * (numbers >> free.index(d) & 1) - 1
            bound = bound + sign * (abs(query[d]) * group.constant[d])
        bounds.append(bound)
    answers = index.ranked(codes, bounds, 2 * sizes.min(initial=np.inf))
    return np.where(answers.best - answers.rest >= margin, answers.column, NOBODY)


def _checked(bits: Sequence[Threshold]) -> int:
    if len(bits) > _MOST_CODE_BITS:
        raise CompileError("a code has too many bits: the model cannot be lifted")
    return len(bits)
