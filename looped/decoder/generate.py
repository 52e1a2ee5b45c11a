"""generate: run a program with the stock `generate`; the host only answers `?`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch

from looped.decoder.stock import transformers
from looped.decoder.vocabulary import Vocabulary

__all__ = ["cache_option", "generate"]


class _Watcher:
    """A streamer of `transformers`: passes every new token on, and drops the prompt."""

    def __init__(self, watch: Callable[[int], None]) -> None:
        self.watch = watch
        self.begun = False

    def put(self, value: Any) -> None:
        """Take the prompt, or one token."""
        if self.begun:
            self.watch(int(value))
        self.begun = True

    def end(self) -> None:
        """Take the end of a call."""
        self.begun = False


def cache_option(model: Any) -> str:
    """The name of the parameter of a model that takes a cache: recent versions renamed it."""
    return "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"


@torch.inference_mode()
def generate(
    model: Any,
    vocabulary: Vocabulary,
    prompt: Sequence[int],
    answer: Callable[[], int],
    most: int,
    watch: Callable[[int], None] = lambda token: None,
) -> list[int]:
    """The tokens of a run, until `<halt>` or until there are `most` of them.

    The model emits `?` where an instruction takes input; the word that `answer` returns is appended
    as its tokens, which count as tokens of the run. `watch` gets each token as soon as it is there;
    what it raises ends the run. All calls of `generate` share one cache.
    """
    cache = transformers().DynamicCache(config=model.config)
    watcher = _Watcher(watch)
    tokens, end = list(prompt), len(prompt) + most
    while len(tokens) < end:
        ids = torch.tensor([tokens])
        mask = torch.ones_like(ids)
        options = {"max_length": end, "streamer": watcher, cache_option(model): cache}
        tokens = model.generate(ids, attention_mask=mask, **options)[0].tolist()
        if tokens[-1] != vocabulary.ask:
            break
        given = vocabulary.value(answer())[: end - len(tokens)]
        tokens += given
        for token in given:
            watch(token)
    return tokens[len(prompt) :]
