"""Five programs that every host runs, with the tokens that are due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import looped
from looped.decoder import Spec, Vocabulary
from looped.decoder.compare import Comparison
from looped.image import Image
from looped.reference import Subleq
from tests.programs.headers import FOLDER

MOST = 800
FIVE = {"hello": b"", "multiply": b"", "selfmodify": b"", "echo": b"hi\n", "bf": b""}
"""Programs with words of 16 bits, and their input. `bf` is an interpreter; it is cut."""

SPEC = Spec(width=16, memory=512, context=8192)


@dataclass(frozen=True)
class Case:
    """A program, its prompt, and its run: `data` are the words that the host answers with."""

    image: Image
    prompt: list[int]
    due: list[int]
    data: bytes

    def answer(self) -> Callable[[], list[int]]:
        """What a host appends after each `?`: the tokens of a byte, and of -1 at the end."""
        source, vocabulary = iter(self.data), Vocabulary(SPEC)
        return lambda: vocabulary.value(next(source, (1 << SPEC.width) - 1))


def case(name: str) -> Case:
    image = looped.assemble(FOLDER / "subleq" / f"{name}.sasm")
    vocabulary = Vocabulary(SPEC)
    reference = Subleq(image.words, SPEC.width, SPEC.memory, b"", image.entry)
    due = Comparison(vocabulary, reference, iter(FIVE[name])).due
    prompt = vocabulary.prompt(image.words, image.entry)
    return Case(image, prompt, list(islice(due, MOST)), FIVE[name])
