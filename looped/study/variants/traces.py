"""Rows of hosts that keep the machine in a trace: causal models, whose tokens are their writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from looped.decoder import Spec, Vocabulary
from looped.decoder.compaction import Continue
from looped.decoder.compare import Comparison
from looped.decoder.harvard import HarvardModel, Layout
from looped.decoder.mistral import window_for
from looped.decoder.pruned import Pruned
from looped.decoder.selective import selective_weights
from looped.decoder.selective_loop import Selective
from looped.decoder.weights import Weights, weights
from looped.errors import MismatchError
from looped.registry import registry
from looped.study.variants.programs import BITS, MEMORY, long_programs
from looped.study.variants.row import Row, Training
from looped.study.variants.windows import Windowed

__all__ = ["TRACES", "Trace", "needed_window", "run_trace", "windowed"]


_SELECTED = 256.0
"""Logits by which a key of `selective_weights` leads: scores are multiples of it."""


class _Loop(Protocol):
    """A causal machine. `entries` is the size of its cache."""

    vocabulary: Vocabulary

    @property
    def entries(self) -> int: ...

    @property
    def generate(self) -> Continue: ...


@dataclass(frozen=True, slots=True)
class _Size:
    """Blocks, lanes, hidden units, heads that write, and the least margin in logits."""

    blocks: int
    lanes: int
    units: int
    heads: int
    margin: float


@dataclass(frozen=True, slots=True)
class Trace:
    """A causal machine: its name, what makes it, what grows, and the name of its modules in the
    training check. A `harvard` machine has the program apart. `idle` is what it has and does not
    use."""

    name: str
    build: Callable[[Spec], tuple[_Loop, _Size]]
    growth: str
    learner: str
    harvard: bool = False
    idle: str = ""


def needed_window() -> int:
    """The tokens of a window in which every word is written again in time."""
    return window_for(BITS, MEMORY)


def windowed(window: int, refresh: bool = True) -> Callable[[Spec], tuple[_Loop, _Size]]:
    """A machine that sees so many tokens and the first ten; with `refresh` it writes one word again
    behind each record."""

    def build(spec: Spec) -> tuple[_Loop, _Size]:
        found = weights(replace(spec, window=needed_window()) if refresh else spec)
        return Windowed(found, window), _size(found, found.clock.margin)

    return build


def _pruned(spec: Spec) -> tuple[_Loop, _Size]:
    found = weights(spec)
    return Pruned(found), _size(found, found.clock.margin)


def _selective(spec: Spec) -> tuple[_Loop, _Size]:
    found = selective_weights(spec)
    return Selective(found), _size(found.weights, _SELECTED)


def _encoded(spec: Spec) -> tuple[_Loop, _Size]:
    loop = _Encoded(Layout(replace(spec, counter_bits=None)))
    layers = [loop.model.encoder, *loop.model.decoder]
    heads = sum(
        each.n_heads for x in layers for each in (x.self_attn, x.cross_attn) if each is not None
    )
    units = sum(x.mlp.gate_proj.out_features for x in layers if x.mlp is not None)
    return loop, _Size(len(layers), loop.layout.d_model, units, heads, 128.0)


_LIVE, _LAMBDA = "cache ≤ live words", windowed(needed_window())

TRACES = (
    Trace("causal, rotary positions; the host prunes the cache", _pruned, _LIVE, "rotary"),
    Trace("selective attention", _selective, _LIVE, "selective"),
    Trace(
        "LM-Infinite (Λ), with refreshes",
        _LAMBDA,
        "cache ≤ window",
        "lambda",
        idle="the first tokens",
    ),
    Trace("encoder-decoder", _encoded, "a token a write", "encoder-decoder", harvard=True),
)
"""The causal machines that run without a stock library."""


class _Encoded:
    """The encoder-decoder as a loop: a prompt is the program."""

    def __init__(self, layout: Layout) -> None:
        self.layout, self.model = layout, HarvardModel(layout)
        self.vocabulary = layout.vocabulary
        self.entries = 0

    def generate(
        self,
        prompt: Sequence[int],
        answer: Callable[[], int],
        most: int,
        watch: Callable[[int], None],
    ) -> list[int]:
        """The tokens of a run of the words `prompt`."""

        def counted(token: int) -> None:
            self.entries += 1
            watch(token)

        self.entries = self.layout.encoded
        program, begin = self.layout.program(prompt), self.layout.begin(prompt, 0)
        return self.model.generate(program, begin, answer, most, counted)


class _EnoughError(Exception):
    """The reference has executed as many instructions as were asked for."""


def run_trace(trace: Trace, steps: int, training: Training | None = None) -> Row:
    """Run three programs for `steps` instructions each, token by token beside the reference."""
    context = 16 * steps + 1024
    spec = Spec(width=BITS, memory=MEMORY, context=context, counter_bits=BITS - 1)
    loop, size = trace.build(spec)
    began, done, tokens, entries, fault = time.perf_counter(), 0, 0, 0, None
    for case in long_programs(3, steps, trace.harvard):
        words = list(case.image.words)
        reference = registry.machine("subleq").reference(words, BITS, MEMORY, b"", 0)
        watch = Comparison(loop.vocabulary, reference, iter(case.data))

        def check(token: int, watch: Comparison = watch) -> None:
            watch.check(token)
            if watch.records > steps:
                raise _EnoughError

        prompt = words if trace.harvard else loop.vocabulary.prompt(words, 0)
        try:
            loop.generate(prompt, watch.answer, 16 * steps, check)
        except _EnoughError:
            done += steps
        except MismatchError as mismatch:
            fault = str(mismatch)
            done += watch.records - 1
        tokens, entries = max(tokens, watch.tokens), max(entries, loop.entries)
    rate = done / (time.perf_counter() - began)
    per_step = round(size.heads * entries * tokens / steps)
    growth = f"{trace.growth}: {entries:,} entries after {tokens:,} tokens"
    return Row(
        trace.name, "", done, fault, trace.idle, "underflow", size.margin, size.blocks,
        size.lanes, size.units, per_step, growth, rate,
        "" if training is None else training(trace.learner),
    )  # fmt: skip


def _size(found: Weights, margin: float) -> _Size:
    """The sizes of a causal machine."""
    layers = [f"model.layers.{index}." for index in range(found.n_layers)]
    state = found.state
    units = sum(int(state[f"{name}mlp.down_proj.weight"].any(0).sum()) for name in layers)
    outputs = [state[f"{name}self_attn.o_proj.weight"].any(0) for name in layers]
    heads = sum(int(used.view(found.n_heads, -1).any(1).sum()) for used in outputs)
    return _Size(found.n_layers, found.d_model, units, heads, margin)
