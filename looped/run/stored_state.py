"""Residual streams in checkpoints: what columns of memory have in common, and their own bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from looped.artefact.residual import Positions, Residual
from looped.tensorfile import Tensors

__all__ = ["Shape", "shape_of", "state_of", "tensors_of"]

_LARGEST = 1 << 25
"""The most columns: twice the most words of memory."""

_WIDEST = 1 << 20
"""The most lanes, as in plans."""

_WORD = 64
_MOST_POSITIONS = 64


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a residual stream, and where it has positions: lanes and offset of each word."""

    alike: int
    others: int
    lanes: int
    positions: tuple[tuple[tuple[int, ...], int], ...]

    def check(self) -> None:
        """Raise ValueError for a shape that no residual stream has."""
        if not (0 <= self.alike <= _LARGEST and 0 <= self.others <= _LARGEST):
            raise ValueError("the shape of the state is out of range")
        if not (self.alike + self.others > 0 and 0 < self.lanes <= _WIDEST):
            raise ValueError("the shape of the state is out of range")
        counted = [lane for lanes, _ in self.positions for lane in lanes]
        if len(self.positions) > _MOST_POSITIONS or len({*counted}) != len(counted):
            raise ValueError("the positions of the state share lanes")
        if not all(lane in range(self.lanes) for lane in counted):
            raise ValueError("the positions of the state are in lanes that do not exist")


def shape_of(x: Residual) -> Shape:
    """The shape of a residual stream."""
    positions = tuple((tuple(map(int, lanes)), int(offset)) for lanes, offset in x.positions)
    return Shape(x.alike, len(x.rest), len(x.row), positions)


def tensors_of(x: Residual) -> dict[str, npt.NDArray[Any]]:
    """Its content; zeros at the end of memory are left out."""
    used = np.flatnonzero(x.bits.any(axis=1))
    end = int(used[-1]) + 1 if len(used) else 0
    return {
        "row": np.packbits(x.row > 0),
        "lanes": x.lanes.astype(np.int64),
        "bits": x.bits[:end],
        "rest": np.packbits((x.rest > 0).reshape(-1)),
    }


def state_of(shape: Shape, tensors: Tensors) -> Residual:
    """The residual stream. Raises ValueError for parts that do not belong together."""
    shape.check()
    parts = {"row": np.uint8, "lanes": np.int64, "bits": np.uint64, "rest": np.uint8}
    if not parts.keys() <= tensors.keys():
        raise ValueError("a part of the state is missing")
    if any(tensors[name].dtype != kind for name, kind in parts.items()):
        raise ValueError("a part of the state has another type")
    lanes, bits = tensors["lanes"], tensors["bits"]
    counted = {lane for own, _ in shape.positions for lane in own}
    own = set(lanes.tolist()) if lanes.ndim == 1 else set()
    if (
        len(own) != lanes.size
        or len(own) > _WORD
        or own & counted
        or not own <= {*range(shape.lanes)}
    ):
        raise ValueError("the lanes of the state are out of range")
    words = int(len(own) > 0)
    if bits.ndim != 2 or bits.shape[1] != words or len(bits) > shape.alike:
        raise ValueError("the state has another shape")
    whole = np.zeros((shape.alike, words), np.uint64)
    whole[: len(bits)] = bits
    row, rest = (
        _signs(tensors["row"], 1, shape.lanes),
        _signs(tensors["rest"], shape.others, shape.lanes),
    )
    positions = tuple(Positions(own, offset) for own, offset in shape.positions)
    return Residual(row[0], lanes.astype(np.intp), whole, rest, positions)


def _signs(packed: npt.NDArray[Any], rows: int, lanes: int) -> npt.NDArray[np.int8]:
    """Packed lanes as ±1, (rows, lanes). Raises ValueError."""
    if packed.shape != (-(-rows * lanes // 8),):
        raise ValueError("the state has another shape")
    bits = np.unpackbits(packed, count=rows * lanes).reshape(rows, lanes)
    return 2 * bits.astype(np.int8) - 1
