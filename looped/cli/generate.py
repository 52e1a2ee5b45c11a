"""generate: run a program as the text of a causal language model."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from looped import api, registry
from looped.cli.options import Wanted, json_option, open_source, source_options
from looped.decoder import Spec, Vocabulary
from looped.errors import CompileError, FileError, StepLimitError
from looped.image import Image

__all__ = ["generate", "write_causal"]

_PATH = click.Path(path_type=Path, readable=False)  # opening it reports what is wrong

_HELP = """Run PROGRAM as the text that a causal language model generates.

The model is a stock LlamaForCausalLM. Its prompt is the program, and each line that it generates is
an instruction: the address that it writes to, the value, and the next program counter. A terminal
shows bytes of output in colour. If an instruction takes input, the model writes `?`, and the
command appends a byte of stdin as a word.

--compare stops at the first token that differs from the reference.

\\b
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
@click.option("--compare", is_flag=True, help="Compare each token with the reference.")
@click.option("--memory", type=int, metavar="WORDS", help="Words of memory, a power of two.")
@source_options
@json_option
def generate(
    program: Path,
    max_tokens: int | None,
    context: int | None,
    compare: bool,
    wanted: Wanted,
    as_json: bool,
) -> None:
    """Run PROGRAM as the text that a causal language model generates."""
    image = open_source(program, wanted)
    spec = causal_spec(image, wanted.memory, context)
    vocabulary = Vocabulary(spec)
    prompt = vocabulary.prompt(image.words, image.entry)
    room = spec.context - len(prompt)
    if room < 1:
        raise CompileError(
            f"the prompt has {len(prompt):,} tokens, and the context has {spec.context:,}",
            hint="use a longer --context",
        )
    show = (lambda token: None) if as_json else _listing(vocabulary)
    most = min(room, max_tokens or room)
    tokens, seconds = _run(spec, vocabulary, image, prompt, most, compare, show)
    halted = tokens[-1] == vocabulary.halt
    records = sum(token in vocabulary.types["p"] for token in tokens) + halted
    if as_json:
        output = vocabulary.output(tokens).decode(errors="replace")
        sizes = {"prompt": len(prompt), "tokens": len(tokens), "instructions": records}
        click.echo(json.dumps({**sizes, "halted": halted, "output": output, "seconds": seconds}))
    else:
        equal = "; each token is that of the reference" if compare else ""
        if not vocabulary.name(tokens[-1]).endswith("\n"):
            click.echo()
        rate = f"{len(tokens) / seconds:,.0f} tokens/s"
        click.echo(f"{len(tokens):,} tokens, {records:,} instructions, {rate}{equal}", err=True)
    if not halted:
        full = len(tokens) == room
        raise StepLimitError(
            f"the program did not halt within {len(tokens):,} tokens",
            hint="the context is full: use a longer --context" if full else None,
        )


def causal_spec(image: Image, memory: int | None, context: int | None) -> Spec:
    """The causal machine for a program. Raises CompileError if its machine has no causal form."""
    causal = registry.machine(image.machine).causal
    if causal is None:
        having = [name for name in registry.names() if registry.machine(name).causal is not None]
        raise CompileError(
            f"{image.machine} has no causal language model", hint=f"machines: {', '.join(having)}"
        )
    words = api.smallest_memory(image) if memory is None else memory
    sizes = {"width": image.width, "memory": words}
    return causal(**sizes, **({} if context is None else {"context": context}))


def write_causal(target: str, folder: Path, wanted: Wanted) -> int:
    """Write a program and its machine as a checkpoint for `AutoModelForCausalLM`.

    Returns its number of layers.
    """
    from looped.decoder.export import export_causal

    if target in registry.names():
        raise FileError(f"{target} is a machine: a prompt needs a program")
    image = open_source(Path(target), wanted)
    export_causal(causal_spec(image, wanted.memory, None), image, folder, Path(target).name)
    return 3


def _run(
    spec: Spec,
    vocabulary: Vocabulary,
    image: Image,
    prompt: list[int],
    most: int,
    compare: bool,
    show: Callable[[int], None],
) -> tuple[list[int], float]:
    """The tokens of a run, and the seconds that the model took."""
    from looped.decoder.compare import Comparison
    from looped.decoder.generate import generate as run
    from looped.decoder.llama import causal_model

    source, ones = _bytes_of_stdin(), (1 << image.width) - 1
    make = registry.machine(image.machine).reference
    reference = make(image.words, image.width, spec.memory, b"", image.entry)
    comparison = Comparison(vocabulary, reference, source)

    def watch(token: int) -> None:
        if compare:
            comparison.check(token)
        show(token)

    def answer() -> int:
        return comparison.answer() if compare else next(source, ones)

    model = causal_model(spec)
    began = time.monotonic()
    tokens = run(model, vocabulary, prompt, answer, most, watch)
    return tokens, time.monotonic() - began


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
