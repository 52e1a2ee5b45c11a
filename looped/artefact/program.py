"""Whether a program is one for a machine: what it needs beside the machine's name."""

from __future__ import annotations

from looped.artefact.plan import Plan
from looped.errors import CompileError
from looped.image import Image

__all__ = ["check_program"]


def check_program(image: Image, plan: Plan) -> None:
    """Raise CompileError for a program that needs another value of a parameter."""
    own = f"{image.machine}."
    unsaid = (name.removeprefix(own) for name in image.symbols if name.startswith(own))
    for name, value in {**dict.fromkeys(unsaid, 0), **plan.parameters}.items():
        wanted = image.parameter(name)
        if wanted not in (None, value):
            raise CompileError(
                f"the program needs a machine with {name} {wanted}, and this one has {value}",
                hint=f"compile a machine for the program: --set {name}={wanted}",
            )
