"""`python -m benchmarks.generate`: how fast a causal machine runs a program, in CPU seconds.

Every run is compared with the reference, token by token.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from looped import api
from looped.decoder import Spec, Vocabulary
from looped.decoder.compaction import Continue, compacted
from looped.decoder.generate import generate
from looped.decoder.harvard import HarvardModel, Layout
from looped.decoder.llama import causal_model
from looped.decoder.mistral import sliding_model, sliding_spec
from looped.decoder.pruned import Pruned
from looped.decoder.records import record_of
from looped.decoder.selective import selective_weights
from looped.decoder.selective_loop import Selective
from looped.decoder.weights import weights
from looped.image import Image
from looped.reference import Subleq
from looped.run.session import Session

__all__ = [
    "Rate",
    "batch",
    "compiled",
    "encoder",
    "in_place",
    "main",
    "pruned",
    "selective",
    "sliding",
    "static",
    "stock",
]

_ROWS = 8

_PROGRAMS = Path(__file__).parents[1] / "programs" / "subleq"


@dataclass(frozen=True, slots=True)
class Rate:
    """A row of the table: a model, its tokens and instructions in so many seconds, and the entries
    of its cache, or its columns, before the run and after it."""

    name: str
    layers: int
    parameters: int
    entries: tuple[int, int]
    tokens: int
    instructions: int
    seconds: float

    def __str__(self) -> str:
        tokens = f"{self.tokens / self.seconds:,.0f}" if self.tokens else ""
        memory = " → ".join(f"{n:,}" for n in dict.fromkeys(self.entries))
        sizes = f"{self.layers} | {self.parameters:,} | {memory}"
        return f"| {self.name} | {sizes} | {tokens} | {self.instructions / self.seconds:,.0f} |"


def main() -> None:
    """Run a SUBLEQ program in each way, for as many tokens as asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description=main.__doc__)
    parser.add_argument("--program", default="sieve")
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--context", type=int, default=8192)
    parser.add_argument("--compile", action="store_true", help="Measure torch.compile, too.")
    parser.add_argument("--encoder", action="store_true", help="Measure the encoder-decoder, too.")
    options = parser.parse_args()
    torch.set_num_threads(1)
    image = api.assemble(_PROGRAMS / f"{options.program}.sasm")
    memory = api.smallest_memory(image)
    spec = Spec(width=image.width, memory=memory, context=options.context)
    print("| | layers | parameters | entries or columns | tokens/s | instructions/s |")
    print("|---|---|---|---|---|---|")
    for measure in (stock, static, batch, sliding, pruned, selective):
        print(measure(image, spec, options.tokens), flush=True)
    if options.compile:
        print(compiled(image, spec, options.tokens), flush=True)
    if options.encoder:
        print(encoder(image, spec, options.tokens), flush=True)
    print(in_place(image, memory, "dense", 100), flush=True)
    print(in_place(image, memory, "auto", 100_000), flush=True)


def stock(image: Image, spec: Spec, tokens: int) -> Rate:
    """`generate` of the stock model: its cache has all tokens."""
    run = functools.partial(generate, causal_model(spec), Vocabulary(spec))
    first = len(Vocabulary(spec).prompt(image.words, image.entry))
    return _measured("`generate`", run, image, spec, tokens, lambda: (first, first + tokens))


def static(image: Image, spec: Spec, tokens: int) -> Rate:
    """`generate` with a static cache, which has room for the whole text from the beginning."""
    return _at_once("`generate`, static cache", causal_model(spec), image, spec, tokens, 1)


def compiled(image: Image, spec: Spec, tokens: int) -> Rate:
    """The same, behind `torch.compile`; the time of compilation is left out."""
    model = causal_model(spec)
    model.forward = torch.compile(model.forward, dynamic=False)
    return _at_once("`generate`, static cache, compiled", model, image, spec, tokens, 1)


def batch(image: Image, spec: Spec, tokens: int) -> Rate:
    """`generate` of eight rows at once."""
    return _at_once("`generate`, batch of 8", causal_model(spec), image, spec, tokens, _ROWS)


def _at_once(name: str, model: Any, image: Image, spec: Spec, tokens: int, rows: int) -> Rate:
    """The rate of one call of `generate` for rows of the same program; a short one warms up."""
    vocabulary = Vocabulary(spec)
    prompt = vocabulary.prompt(image.words, image.entry)
    ids = torch.tensor([prompt]).repeat(rows, 1)
    options: dict[str, Any] = {"attention_mask": torch.ones_like(ids)}
    if rows == 1:
        options["cache_implementation"] = "static"
    end = len(prompt) + tokens
    options["max_length"] = end
    if rows == 1:
        model.generate(ids, **options)
    started = time.process_time()
    made = model.generate(ids, **options)[:, len(prompt) :].tolist()
    seconds = time.process_time() - started
    due = list(itertools.islice(_due(vocabulary, image), tokens))
    if any(row != due for row in made):
        raise SystemExit(f"{name}: a token is not that of the reference")
    instructions = rows * sum(token in vocabulary.types["p"] for token in due)
    entries = (end, end) if rows == 1 else (rows * len(prompt), rows * end)
    return Rate(name, 3, _size(spec), entries, rows * tokens, instructions, seconds)


def encoder(image: Image, spec: Spec, tokens: int) -> Rate:
    """The encoder-decoder on `looped.nn`: its cache has the tokens of the decoder."""
    layout = Layout(spec)
    model = HarvardModel(layout)
    program = layout.program(image.words)
    entries = (len(program) + 1, len(program) + 1 + tokens)
    begin, due, times = layout.begin(image.words, image.entry), _due(Vocabulary(spec), image), []

    def watch(token: int) -> None:
        times.append(time.process_time())
        if token != next(due):
            raise SystemExit(f"encoder-decoder: token {len(times)} is not that of the reference")

    made = model.generate(program, begin, lambda: 0, tokens, watch)
    instructions = sum(token in layout.vocabulary.types["p"] for token in made)
    seconds = times[-1] - times[0]
    return Rate("encoder-decoder", 3, model.size, entries, len(made), instructions, seconds)


def sliding(image: Image, spec: Spec, tokens: int) -> Rate:
    """`generate` of the stock model with a sliding window."""
    windowed = sliding_spec(spec.width, spec.memory)
    run = functools.partial(generate, sliding_model(windowed), Vocabulary(windowed))
    entries = (windowed.span, windowed.span)
    return _measured("`generate`, window", run, image, windowed, tokens, lambda: entries)


def pruned(image: Image, spec: Spec, tokens: int) -> Rate:
    """looped's own loop: its cache has what later tokens can attend to."""
    return _own("`looped generate --pruned`", Pruned(weights(spec)), image, spec, tokens)


def selective(image: Image, spec: Spec, tokens: int) -> Rate:
    """The same loop with selective attention."""
    found = selective_weights(spec)
    loop, more = Selective(found), sum(queries.numel() for queries in found.selectors)
    rate = _own("`looped generate --selective`", loop, image, spec, tokens)
    return replace(rate, parameters=rate.parameters + more)


def _own(name: str, loop: Pruned, image: Image, spec: Spec, tokens: int) -> Rate:
    loop.generate(Vocabulary(spec).prompt(image.words, image.entry), lambda: 0, 1)
    first = loop.entries
    return _measured(name, loop.generate, image, spec, tokens, lambda: (first, loop.entries))


def _measured(
    name: str,
    run: Continue,
    image: Image,
    spec: Spec,
    tokens: int,
    entries: Callable[[], tuple[int, int]],
) -> Rate:
    """The rate of a run behind its first record. Every token is compared with the reference."""
    vocabulary = Vocabulary(spec)
    due, times = _due(vocabulary, image), list[float]()

    def watch(token: int) -> None:
        times.append(time.process_time())
        if token != next(due):
            raise SystemExit(f"{name}: token {len(times)} is not that of the reference")

    prompt = vocabulary.prompt(image.words, image.entry)
    made = compacted(run, vocabulary, prompt, lambda: 0, tokens, watch).tokens
    instructions = sum(token in vocabulary.types["p"] for token in made)
    seconds = times[-1] - times[0]
    return Rate(name, 3, _size(spec), entries(), len(times), instructions, seconds)


def _size(spec: Spec) -> int:
    """The number of parameters."""
    return sum(weight.numel() for weight in weights(spec).state.values())


def _due(vocabulary: Vocabulary, image: Image) -> Iterator[int]:
    """The tokens of a run, with a refresh behind each record if there is a window."""
    spec = vocabulary.spec
    reference = Subleq(image.words, spec.width, spec.memory, b"", image.entry)
    address = 0
    while not reference.halted:
        yield from vocabulary.record(record_of(reference.step(), spec.width))
        address = (address + 1) % spec.memory
        if spec.window is not None and not reference.halted:
            yield from vocabulary.refresh(address, reference.memory[address])


def in_place(image: Image, memory: int, engine: str, instructions: int) -> Rate:
    """The looped transformer of the same program."""
    machine = api.compile(image, memory)
    session = Session(machine, image, api.choose_engine(machine, engine))
    session.run(1)
    started = time.process_time()
    session.run(1 + instructions)
    seconds = time.process_time() - started
    size = sum(weight.numel() for weight in machine.weights.values())
    columns = (machine.plan.columns, machine.plan.columns)
    name = f"in place, {engine}"
    return Rate(name, len(machine.plan.blocks), size, columns, 0, session.steps - 1, seconds)


if __name__ == "__main__":
    main()
