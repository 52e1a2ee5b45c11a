"""Architecture: which transformer the weights of a plan belong to; the default is the plain one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from looped.errors import CompileError

__all__ = [
    "CHOICES",
    "CODED",
    "GRAPH",
    "PLAIN",
    "SIMPLIFIED",
    "SNAP_UNITS",
    "Architecture",
    "snap_shapes",
]

SNAP_UNITS = 3
"""The hidden units of a snap for each lane: `looped.nn.snap.UNITS_A_LANE`, without PyTorch."""

UNDO = "denseformer"

SIMPLIFIED = "simplified"
"""The stack whose blocks have a norm and a mixer of their own."""

GRAPH = "maglap"
"""Positions in a directed graph: that of the addresses, or the control-flow graph of a program."""

CODED = (GRAPH, "sinusoidal", "trained")
"""Positions that attention looks up for queries and keys: the stream keeps those of the plan."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "attention": (
        "softmax",
        "additive",
        "differential",
        "hyper",
        "linear",
        "sparse-fixed",
        "sparse-strided",
        "top1",
    ),
    "positions": (
        "binary",
        "counted",
        "learned-sinusoidal",
        "maglap",
        "sinusoidal",
        "trained",
    ),
    "norm": ("rmsnorm", "rmsnorm-post", "layernorm", "layernorm-post"),
    "stack": ("plain", "denseformer", "rmt", "simplified"),
}
"""The names that each part of an architecture can have, the default first."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """The parts of a transformer by their names in CHOICES, and whether lanes are snapped.

    With `snap` each block sets its lanes to the nearest of -1 and +1 before each sub-layer
    (`looped.nn.snap`).
    """

    attention: str = CHOICES["attention"][0]
    positions: str = CHOICES["positions"][0]
    norm: str = CHOICES["norm"][0]
    stack: str = CHOICES["stack"][0]
    snap: bool = False

    def check(self) -> None:
        """Raise CompileError for a part that this version of looped does not know."""
        for part, known in CHOICES.items():
            name = getattr(self, part)
            if name not in known:
                raise CompileError(
                    f"the machine has the {part} `{name[:40]}`",
                    hint=f"this version of looped knows {', '.join(known)}",
                )
        if self.stack == SIMPLIFIED and self != Architecture(stack=SIMPLIFIED):
            raise CompileError(
                f"--stack {SIMPLIFIED} has a mixer and a norm of its own",
                hint=f"leave the other options out: {self.options}",
            )
        if self.positions in CODED and self.attention != CHOICES["attention"][0]:
            raise CompileError(
                f"--positions {self.positions} is for softmax attention",
                hint=f"leave --attention {self.attention} out",
            )

    def check_plain(self, what: str) -> None:
        """Raise CompileError unless this is the plain one; `what` is that which knows no other:
        `the event engine`."""
        if self != PLAIN:
            raise CompileError(
                f"{what} does not know {self.options}", hint="--engine dense runs it"
            )

    @property
    def undoes(self) -> bool:
        """Whether the stack keeps only the changes of its last block."""
        return self.stack == UNDO

    @property
    def options(self) -> str:
        """The options of the command line that select it, none for the plain one."""
        given = [
            f"--{field.name} {getattr(self, field.name)}"
            for field in fields(self)
            if field.name in CHOICES and getattr(self, field.name) != CHOICES[field.name][0]
        ]
        return " ".join([*given, *(["--snap"] if self.snap else [])])

    @property
    def is_stock(self) -> bool:
        """Whether it is the plain one, with or without a snap: then heads are softmax heads over
        the lanes of the plan."""
        return not [field for field in CHOICES if getattr(self, field) != CHOICES[field][0]]


PLAIN = Architecture()


def snap_shapes(name: str, lanes: int, width: int) -> dict[str, tuple[int, ...]]:
    """The shapes of the weights of a snap of so many lanes, by their names."""
    units = SNAP_UNITS * lanes
    shapes = {f"{name}.{part}_proj.weight": (units, width) for part in ("gate", "up")}
    return {**shapes, f"{name}.down_proj.weight": (width, units)}
