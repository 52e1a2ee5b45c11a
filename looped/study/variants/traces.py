"""Rows of hosts that keep the machine in a trace: a causal model, whose tokens are its writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from looped.decoder import Spec, Vocabulary
from looped.decoder.compare import Comparison
from looped.decoder.pruned import Pruned
from looped.decoder.selective import selective_weights
from looped.decoder.selective_loop import Selective
from looped.decoder.weights import weights
from looped.registry import registry
from looped.study.variants.programs import BITS, MEMORY, long_programs

__all__ = ["TRACES", "Trace", "TraceRow", "run_trace", "trace_table"]


@dataclass(frozen=True, slots=True)
class Trace:
    """A causal machine: its name, and what makes it."""

    name: str
    build: Callable[[Spec], Pruned]


TRACES = (
    Trace("causal attention, the host prunes its cache", lambda spec: Pruned(weights(spec))),
    Trace("selective attention", lambda spec: Selective(selective_weights(spec))),
)
"""The causal machines that run without a stock library."""


@dataclass(frozen=True, slots=True)
class TraceRow:
    """Instructions that were equal to the reference, token by token; tokens and the entries of the
    cache at the end of the longest run; instructions a second."""

    trace: Trace
    steps: int
    tokens: int
    entries: int
    rate: float

    @property
    def line(self) -> str:
        """The row in Markdown."""
        cells = f"{self.trace.name} | yes | {self.steps:,} | {self.tokens:,} | {self.entries}"
        return f"| {cells} | {self.rate:,.0f} |"


class _EnoughError(Exception):
    """The reference has executed as many instructions as were asked for."""


def run_trace(trace: Trace, steps: int) -> TraceRow:
    """Run three programs for `steps` instructions each. Raises MismatchError at the first token
    that the reference does not have."""
    context = 16 * steps + 1024
    spec = Spec(width=BITS, memory=MEMORY, context=context, counter_bits=BITS - 1)
    loop, vocabulary = trace.build(spec), Vocabulary(spec)
    began, done, tokens, entries = time.perf_counter(), 0, 0, 0
    for case in long_programs(3, steps):
        words = list(case.image.words)
        reference = registry.machine("subleq").reference(words, BITS, MEMORY, b"", 0)
        watch = Comparison(vocabulary, reference, iter(case.data))

        def check(token: int, watch: Comparison = watch) -> None:
            watch.check(token)
            if watch.records > steps:
                raise _EnoughError

        try:
            loop.generate(vocabulary.prompt(words, 0), watch.answer, 16 * steps, check)
        except _EnoughError:
            done += steps
        else:
            done += watch.records
        tokens, entries = max(tokens, watch.tokens), max(entries, loop.entries)
    return TraceRow(trace, done, tokens, entries, done / (time.perf_counter() - began))


def trace_table(rows: Iterable[TraceRow]) -> str:
    """The rows in Markdown."""
    head = "| trace machine | hosts SUBLEQ? | steps equal | tokens | cache entries | steps/s |"
    return (
        "\n".join([head, "| --- | --- | --- | --- | --- | --- |", *(r.line for r in rows)]) + "\n"
    )
