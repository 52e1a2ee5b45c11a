"""Kinds of columns: those that agree in all static lanes that an MLP reads.

An MLP is partially evaluated once for each kind (`restricted`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from looped.analysis.classes import row_classes
from looped.analysis.grid import Ints
from looped.analysis.model import Block

__all__ = ["Classes", "columns_by_class"]

Classes = tuple[tuple[tuple[int, ...], ...], ...]
"""For each block the classes of columns that its MLP distinguishes, each as its known lanes."""

_MOST_CLASSES = 8
"""Each class has tables of its own. The machines have 2: the CPU and all other columns."""


def columns_by_class(
    block: Block, static: npt.NDArray[np.bool_], x: npt.NDArray[np.int8]
) -> tuple[tuple[tuple[int, ...], ...], Ints]:
    """The classes of columns that agree in all static lanes that the MLP reads.

    Returns the known lanes of each class (d_model,), 0 where a lane is not known, and the class of
    each column of `x`. If there are more than _MOST_CLASSES, all columns form one class without any
    known lane.
    """
    known = static & block.mlp_reads
    classes = row_classes(x[:, known], _MOST_CLASSES)
    member = np.zeros(len(x), np.int64)
    if classes is None:
        return (tuple([0] * x.shape[1]),), member
    lanes = np.zeros((len(classes), x.shape[1]), np.int64)
    for number, columns in enumerate(classes):
        lanes[number, known] = x[columns[0], known]
        member[columns] = number
    return tuple(tuple(row) for row in lanes.tolist()), member
