"""BakedCode: the instructions of one program, which a baked machine keeps in its weights."""

from __future__ import annotations

from typing import NoReturn, Protocol

from looped.errors import CompileError
from looped.image import Image

__all__ = ["BakedCode", "not_baked"]


class BakedCode(Protocol):
    """The instructions of one program, which a baked machine keeps in its weights."""

    @property
    def addresses(self) -> frozenset[int]:
        """The addresses of the words that hold instructions and nothing else."""


def not_baked(image: Image, memory: int) -> NoReturn:
    """Raise CompileError: no program of this machine can be baked."""
    raise CompileError(
        f"{image.machine} programs cannot be baked into the weights",
        hint="run it on the universal machine: leave out --bake",
    )
