"""The encoder-decoder of a program: only if the program does not write to its instructions."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from looped import registry
from looped.decoder.spec import Spec
from looped.errors import CompileError
from looped.image import Image

if TYPE_CHECKING:
    from looped.decoder.compaction import Continue
    from looped.decoder.harvard import Layout

__all__ = ["encoder_layout", "encoder_loop"]


def encoder_layout(spec: Spec, image: Image) -> Layout:
    """The encoder-decoder for a program. Raises CompileError if the program may write to its
    instructions: the encoder reads them once."""
    from looped.decoder.harvard import Layout

    try:
        registry.machine(image.machine).read_code(image, spec.memory)
    except CompileError as error:
        reason, _, _ = str(error).rpartition(": ")  # what follows speaks of baking
        raise CompileError(
            f"{reason}: the encoder reads the program once, before it runs",
            hint="run it on the decoder alone: leave --encoder out",
        ) from None
    return Layout(spec)


def encoder_loop(spec: Spec, image: Image) -> tuple[Continue, list[int]]:
    """How the encoder-decoder continues the run of a program, and the tokens that begin it."""
    from looped.decoder.harvard import HarvardModel

    layout = encoder_layout(spec, image)
    model, program = HarvardModel(layout), layout.program(image.words)
    return functools.partial(model.generate, program), layout.begin(image.words, image.entry)
