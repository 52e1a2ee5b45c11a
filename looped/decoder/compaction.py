"""compacted: a run of any length in a context of limited length.

When the context is full, the text is replayed to the memory that it leaves behind, and that memory
is the next prompt. The tokens of an unfinished record follow it, so nothing is generated twice.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from looped.decoder.replay import replay
from looped.decoder.vocabulary import Vocabulary
from looped.errors import CompileError

__all__ = ["Continue", "Run", "compacted", "next_prompt"]


class Continue(Protocol):
    """Continue a prompt by at most some tokens, as `generate` does for one model."""

    def __call__(
        self,
        prompt: Sequence[int],
        answer: Callable[[], int],
        most: int,
        watch: Callable[[int], None],
    ) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class Run:
    """The tokens of a run after its first prompt, each in four bytes, and how many prompts it
    took."""

    tokens: array[int]
    prompts: int


def compacted(
    continue_: Continue,
    vocabulary: Vocabulary,
    prompt: Sequence[int],
    answer: Callable[[], int],
    most: int,
    watch: Callable[[int], None] = lambda token: None,
) -> Run:
    """Run a program until `<halt>` or for `most` tokens, in the context of its machine.

    Raises CompileError if a prompt leaves no room for the record of an instruction.
    """
    context, digits = vocabulary.spec.context, vocabulary.spec.digits
    text, tokens, prompts = list(prompt), array("i"), 1
    given: list[int] = []

    def remembered() -> int:
        word = answer()
        given[:] = vocabulary.value(word)
        return word

    while True:
        room = context - len(text)
        if room < digits + 3:
            raise CompileError(
                f"a context of {context:,} tokens leaves no room behind a prompt of {len(text):,}",
                hint="use a longer --context",
            )
        new = continue_(text, remembered, min(room, most - len(tokens)), watch)
        tokens.extend(new)
        if len(tokens) >= most or new[-1] == vocabulary.halt:
            return Run(tokens, prompts)
        text += new
        if vocabulary.ask in text[-digits:]:  # the context ends within the word of an answer
            rest = given[text[::-1].index(vocabulary.ask) :]
            tokens.extend(rest)
            text += rest
            for token in rest:
                watch(token)
        text = next_prompt(vocabulary, text)
        prompts += 1


def next_prompt(vocabulary: Vocabulary, text: Sequence[int]) -> list[int]:
    """A short text that continues as a long one does. A text of records ends in a record that is
    whole or begun."""
    ends = vocabulary.types["p" if vocabulary.spec.window is None else f"u{_last(vocabulary)}"]
    end = next(at for at in range(len(text), 0, -1) if text[at - 1] in ends)
    left = replay(vocabulary, text[:end])
    assert left.pc is not None
    return vocabulary.prompt(left.words(vocabulary.spec.memory), left.pc) + list(text[end:])


def _last(vocabulary: Vocabulary) -> int:
    return vocabulary.spec.digits - 1
