"""generate: run a program as the text of a causal language model."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from looped import registry
from looped.cli.certify_causal import causal_spec
from looped.cli.encoder import encoder_loop
from looped.cli.options import (
    Wanted,
    json_option,
    open_source,
    source_options,
    window_option,
)
from looped.decoder import Spec, Vocabulary
from looped.decoder.compaction import Continue, Run, compacted
from looped.errors import StepLimitError
from looped.image import Image

__all__ = ["generate"]

_PATH = click.Path(path_type=Path, readable=False)  # opening it reports what is wrong

_ENDLESS = 1 << 62
"""Tokens. Without a clock nothing limits the context."""

_HELP = """Run PROGRAM as the text that a causal language model generates.

The model is a stock LlamaForCausalLM. Its prompt is the program, and each line that it generates is
an instruction: the address that it writes to, the value, and the next program counter. A terminal
shows bytes of output in colour. If an instruction takes input, the model writes `?`, and the
command appends a byte of stdin as a word.

When the context is full, the command replays the text to the memory that it leaves behind, and
continues from a new prompt. --compare stops at the first token that differs from the reference.
--pruned runs the same weights without transformers: it drafts each record, which the model checks
in one pass, and its cache is only as large as memory. --selective does so without a clock: a record
masks the older ones that it replaces, and what is masked leaves the cache.

--window runs a stock MistralForCausalLM, which writes one word again behind each record, so that
nothing leaves its window unseen. --encoder runs an encoder-decoder: cross-attention fetches the
instructions, which must not change.

\b
Examples:
  looped generate programs/subleq/hello.sasm
  looped generate programs/subleq/sieve.sasm --compare --max-tokens 2000
  echo abc | looped generate programs/subleq/echo.sasm
"""


@click.command(help=_HELP)
@click.argument("program", type=_PATH)
@click.option("--max-tokens", type=click.IntRange(1), metavar="N", help="Stop after N new tokens.")
@click.option(
    "--context",
    type=click.IntRange(1),
    metavar="TOKENS",
    help="The longest text, prompt included. By default 32,768 tokens.",
)
@window_option
@click.option("--pruned", is_flag=True, help="Use looped's own loop: one pass an instruction.")
@click.option("--selective", is_flag=True, help="The same, with selective attention: no clock.")
@click.option("--encoder", is_flag=True, help="Encode the program once, and decode its run.")
@click.option("--compare", is_flag=True, help="Compare each token with the reference.")
@click.option("--memory", type=int, metavar="WORDS", help="Words of memory, a power of two.")
@source_options
@json_option
def generate(
    program: Path,
    max_tokens: int | None,
    context: int | None,
    window: bool,
    pruned: bool,
    selective: bool,
    encoder: bool,
    compare: bool,
    wanted: Wanted,
    as_json: bool,
) -> None:
    """Run PROGRAM as the text that a causal language model generates."""
    if pruned + window + selective + encoder > 1:
        raise click.UsageError("Give one of --window, --pruned, --selective and --encoder.")
    image = open_source(program, wanted)
    spec = causal_spec(image, wanted.memory, context or (_ENDLESS if selective else None), window)
    vocabulary = Vocabulary(spec)
    prompt = vocabulary.prompt(image.words, image.entry)
    show = (lambda token: None) if as_json else _listing(vocabulary)
    most = max_tokens or sys.maxsize
    if encoder:
        loop, prompt = encoder_loop(spec, image)
        most = min(most, spec.context - len(prompt))
    else:
        loop = _loop(spec, pruned, selective)
    began = time.monotonic()
    made = _run(loop, spec, image, prompt, most, compare, show)
    tokens, seconds = made.tokens, time.monotonic() - began
    halted = tokens[-1] == vocabulary.halt
    records = sum(token in vocabulary.types["p"] for token in tokens) + halted
    if as_json:
        output = vocabulary.output(tokens).decode(errors="replace")
        sizes = {"prompt": len(prompt), "tokens": len(tokens), "instructions": records}
        sizes["prompts"] = made.prompts
        click.echo(json.dumps({**sizes, "halted": halted, "output": output, "seconds": seconds}))
    else:
        equal = "; each token is that of the reference" if compare else ""
        if not vocabulary.name(tokens[-1]).endswith("\n"):
            click.echo()
        rate = f"{len(tokens) / seconds:,.0f} tokens/s"
        click.echo(f"{len(tokens):,} tokens, {records:,} instructions, {rate}{equal}", err=True)
    if not halted:
        raise StepLimitError(f"the program did not halt within {len(tokens):,} tokens")


def _run(
    loop: Continue,
    spec: Spec,
    image: Image,
    prompt: list[int],
    most: int,
    compare: bool,
    show: Callable[[int], None],
) -> Run:
    """A run of at most some tokens."""
    from looped.decoder.compare import Comparison

    vocabulary, ones = Vocabulary(spec), (1 << image.width) - 1
    source = _bytes_of_stdin()
    machine = registry.machine(image.machine)
    make = machine.reference
    parameters = {p.name: image.parameter(p.name) or 0 for p in machine.parameters}
    reference = make(image.words, image.width, spec.memory, b"", image.entry, **parameters)
    comparison = Comparison(vocabulary, reference, source)

    def watch(token: int) -> None:
        if compare:
            comparison.check(token)
        show(token)

    def answer() -> int:
        return comparison.answer() if compare else next(source, ones)

    return compacted(loop, vocabulary, prompt, answer, most, watch)


def _loop(spec: Spec, pruned: bool, selective: bool) -> Continue:
    """looped's own loop, or that of the stock model."""
    if selective:
        from looped.decoder.selective import selective_weights
        from looped.decoder.selective_loop import Selective

        return Selective(selective_weights(spec)).generate
    if pruned:
        from looped.decoder.pruned import Pruned
        from looped.decoder.weights import weights

        return Pruned(weights(spec)).generate
    from looped.decoder.generate import generate as stock
    from looped.decoder.llama import causal_model
    from looped.decoder.mistral import sliding_model

    model = causal_model(spec) if spec.window is None else sliding_model(spec)
    return functools.partial(stock, model, Vocabulary(spec))


def _bytes_of_stdin() -> Iterator[int]:
    while byte := sys.stdin.buffer.read(1):
        yield byte[0]


def _listing(vocabulary: Vocabulary) -> Callable[[int], None]:
    """Print a token; bytes of output as characters, in colour on a terminal."""
    shown = vocabulary.types["out"]

    def show(token: int) -> None:
        name = vocabulary.name(token)
        if token in shown:
            byte = token - shown.start
            name = chr(byte) if 32 <= byte < 127 else name
            name = click.style(name, fg="green", bold=True)
        click.echo(name, nl=False)

    return show
