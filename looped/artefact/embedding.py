"""Image to residual stream and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from looped.artefact.plan import Plan
from looped.errors import CompileError

__all__ = ["State", "embed", "embed_words", "memory_words", "read_word"]

State = npt.NDArray[np.int8]
"""A residual stream between loops, (columns, d_model), every entry -1 or +1."""


def embed(words: Sequence[int], plan: Plan, entry: int | None = None) -> State:
    """The residual stream of a machine that executes the instruction at `entry` next.

    The default is the first instruction of a baked program, address 0 of any other. All registers
    are zero but those that tell workers their number and their count; so are the words that a baked
    machine has as instructions in its weights. Raises CompileError for an entry that differs from
    the entry of a baked program.
    """
    if plan.baked and entry not in (None, plan.entry):
        raise CompileError(
            f"the program begins at {entry}, but the machine is baked for one that begins at "
            f"{plan.entry}",
            hint="bake the program again, or run it on the universal machine",
        )
    begins = plan.entry if entry is None else entry
    x = np.full((plan.columns, plan.d_model), -1, dtype=np.int8)
    x[:, plan.words["one"]] = 1
    x[np.ix_(plan.cpus, plan.words["cpu"])] = 1
    x[plan.cpu :, plan.words["device"]] = 1
    file = slice(plan.memory, plan.cpu)
    if plan.n_registers:
        x[file, plan.words["register"]] = 1
    addresses = np.arange(plan.memory)
    for name, lanes in plan.words.items():
        if name.startswith("position"):
            offset = int(name.removeprefix("position") or 0)
            codes = (addresses + offset) % plan.memory
            x[: plan.memory, lanes] = embed_words(codes, len(lanes))
            x[file, lanes] = embed_words(np.arange(plan.n_registers), len(lanes))
            if plan.has_input:
                x[plan.input, lanes] = 1
    data = np.zeros(plan.memory, dtype=np.uint64)
    data[: len(words)] = words
    data[list(plan.code)] = 0
    x[: plan.memory, plan.words["value"]] = embed_words(data, plan.width)
    x[np.ix_(plan.cpus, plan.words["pc"])] = embed_words(begins, len(plan.words["pc"]))
    if plan.workers is not None:
        number, mask = (plan.words[name] for name in (plan.workers.number, plan.workers.mask))
        x[np.ix_(plan.cpus, number)] = embed_words(np.arange(plan.workers.count), len(number))
        x[np.ix_(plan.cpus, mask)] = embed_words(plan.workers.count - 1, len(mask))
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
