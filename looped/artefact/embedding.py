"""Image to residual stream and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from looped.artefact.plan import Plan
from looped.artefact.residual import Positions, Residual, words_of
from looped.errors import CompileError

__all__ = [
    "State",
    "embed",
    "embed_compact",
    "embed_words",
    "memory_words",
    "read_word",
    "structured",
]

State = npt.NDArray[np.int8]
"""A residual stream between loops, (columns, d_model), every entry -1 or +1."""


def embed(words: Sequence[int], plan: Plan, entry: int | None = None) -> State:
    """The residual stream that `embed_compact` makes, as a matrix. Raises CompileError."""
    return np.asarray(embed_compact(words, plan, entry))


def embed_compact(words: Sequence[int], plan: Plan, entry: int | None = None) -> Residual:
    """The residual stream of a machine that executes the instruction at `entry` next.

    The default is the first instruction of a baked program, the first word of any other. All
    registers are zero but those that tell workers their number and their count; so are the words
    that a baked machine has as instructions in its weights. Raises CompileError for an entry that
    differs from the entry of a baked program.
    """
    if plan.baked and entry not in (None, plan.entry):
        raise CompileError(
            f"the program begins at {entry}, but the machine is baked for one that begins at "
            f"{plan.entry}",
            hint="bake the program again, or run it on the universal machine",
        )
    if entry is None:
        entry = plan.entry if plan.baked else plan.parameters.get("base", 0)
    rest = _devices(plan, entry)
    row = np.full(plan.d_model, -1, np.int8)
    row[list(plan.words["one"])] = 1
    positions = tuple(Positions(plan.words[name], offset) for name, offset in _positions(plan))
    value = np.array(plan.words["value"], np.intp)
    return Residual(row, value, _values(words, plan)[:, None], rest, positions)


def structured(x: Residual, plan: Plan) -> Residual:
    """The same residual stream with the columns of memory in few bits, if they differ in values and
    positions only."""
    if x.alike:
        return x
    whole, empty = np.asarray(x), embed_compact((), plan)
    memory, given = whole[: plan.memory], np.asarray(empty)[: plan.memory]
    others = np.delete(np.arange(plan.d_model), empty.lanes)
    if not (memory[:, others] == given[:, others]).all():
        return x
    bits = words_of(memory[:, empty.lanes] > 0)[:, None]
    return Residual(empty.row, empty.lanes, bits, whole[plan.memory :], empty.positions)


def _positions(plan: Plan) -> Iterator[tuple[str, int]]:
    """The words that hold positions, each with its offset."""
    for name in plan.words:
        if name.startswith("position"):
            yield name, int(name.removeprefix("position") or 0)


def _values(words: Sequence[int], plan: Plan) -> npt.NDArray[np.uint64]:
    """The words of memory before the first loop."""
    data = np.zeros(plan.memory, dtype=np.uint64)
    data[: len(words)] = words
    data[list(plan.code)] = 0
    return data


def _devices(plan: Plan, begins: int) -> State:
    """All columns after memory: registers, CPUs, the last column."""
    first = plan.memory
    x = np.full((plan.columns - first, plan.d_model), -1, dtype=np.int8)
    cpus = range(plan.cpus.start - first, plan.cpus.stop - first)
    x[:, plan.words["one"]] = 1
    x[np.ix_(cpus, plan.words["cpu"])] = 1
    x[cpus.start :, plan.words["device"]] = 1
    file = slice(0, cpus.start)
    if plan.n_registers:
        x[file, plan.words["register"]] = 1
    for name, _ in _positions(plan):
        lanes = plan.words[name]
        x[file, lanes] = embed_words(np.arange(plan.n_registers), len(lanes))
        if plan.has_input:
            x[plan.input - first, lanes] = 1
    x[np.ix_(cpus, plan.words["pc"])] = embed_words(begins, len(plan.words["pc"]))
    if plan.workers is not None:
        number, mask = (plan.words[name] for name in (plan.workers.number, plan.workers.mask))
        x[np.ix_(cpus, number)] = embed_words(np.arange(plan.workers.count), len(number))
        x[np.ix_(cpus, mask)] = embed_words(plan.workers.count - 1, len(mask))
    return x


def embed_words(words: npt.ArrayLike, width: int) -> State:
    """Unsigned words (...,) of up to 64 bits as lanes (..., width)."""
    places = np.arange(width, dtype=np.uint64)
    bits = np.asarray(words, dtype=np.uint64)[..., None] >> places & np.uint64(1)
    return 2 * bits.astype(np.int8) - 1


def read_word(lanes: npt.ArrayLike) -> npt.NDArray[np.int64 | np.uint64]:
    """Lanes (..., width) as unsigned words (...,); a lane above zero is a one.

    They are int64, or uint64 for words of 64 bits.
    """
    ones = np.asarray(lanes) > 0
    kind = np.int64 if ones.shape[-1] < 64 else np.uint64
    weights = np.left_shift(kind(1), np.arange(ones.shape[-1], dtype=kind))
    words: npt.NDArray[np.int64 | np.uint64] = (ones * weights).sum(axis=-1)
    return words


def memory_words(x: npt.ArrayLike, plan: Plan) -> npt.NDArray[np.int64 | np.uint64]:
    """The memory (..., memory) of residual streams (..., columns, d_model)."""
    return read_word(np.asarray(x)[..., : plan.memory, plan.words["value"]])
