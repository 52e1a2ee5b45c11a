"""asm, compile, info, export: make images and weights, show and export weights."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from looped import api, registry
from looped.cli.options import (
    COMPILED,
    Wanted,
    json_option,
    machine_options,
    open_both,
    open_source,
    open_target,
    source_options,
    window_option,
)
from looped.errors import FileError
from looped.files import write_atomically
from looped.image.formats import FORMATS, dump_image
from looped.precision import PRECISIONS
from looped.run.streams import write_whole

__all__ = ["asm", "compile_command", "export", "info"]

_PATH = click.Path(path_type=Path, readable=False)  # opening it reports what is wrong


_ASM = """Assemble SOURCE into an image: the words of memory.

\b
Examples:
  looped asm programs/subleq/hello.sasm
  looped asm programs/subleq/hello.sasm -o hello.dec
  looped asm programs/subleq/hello.sasm --json
"""


@click.command(help=_ASM)
@click.argument("source", type=_PATH)
@click.option("-o", "--output", type=_PATH, help="File for the image; by default stdout.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    help="Format of the image; by default the output's suffix, or dec.",
)
@source_options
@json_option
def asm(source: Path, output: Path | None, kind: str | None, wanted: Wanted, as_json: bool) -> None:
    """Assemble SOURCE into an image: the words of memory."""
    image = open_source(source, wanted)
    suffix = output.suffix.lstrip(".") if output is not None else ""
    content = dump_image(image, kind or (suffix if suffix in FORMATS else "dec"))
    if output is not None:
        write_atomically(output, content)
    if as_json:
        places = [None if at is None else [at.file, at.line] for at in image.source_map]
        click.echo(
            json.dumps(
                {
                    "machine": image.machine,
                    "width": image.width,
                    "words": image.words,
                    "entry": image.entry,
                    "symbols": dict(image.symbols),
                    "source_map": places,
                }
            )
        )
    elif output is None:
        write_whole(sys.stdout.buffer, content)


_COMPILE_COMMAND = """Compile a program, or only a machine, to weights in a safetensors file.

The file holds the weights, the plan (in its metadata) and the program. Without --bake the weights
are those of a universal machine, and the program is data in its memory columns. With --bake the
instructions become MLP weights, and the program counter selects among them; with --positions maglap
the control-flow graph of a SUBLEQ program is its program counter. A FLEQ program may move pointers
that instructions read: these operands stay in memory. The command refuses any other program that
might write to its own instructions.

\b
Examples:
  looped compile programs/subleq/sieve.sasm -o sieve.safetensors
  looped compile --bake programs/subleq/echo.sasm -o echo.safetensors
  looped compile --bake programs/fleq/sgd.fleq --workers 8
  looped compile --bake --positions maglap programs/subleq/echo.sasm
  looped compile subleq --width 8 --memory 256 -o machine.safetensors
  looped compile fleq --set side=4 --set fraction=20
  looped compile --dtype bfloat16 programs/subleq/hello.sasm
"""


@click.command("compile", help=_COMPILE_COMMAND)
@click.argument("target", metavar="PROGRAM|MACHINE")
@click.option(
    "-o",
    "--output",
    type=_PATH,
    help=f"File for the weights; by default the program's name with {COMPILED}.",
)
@click.option("--bake", is_flag=True, help="Put the program into the weights, not into memory.")
@click.option(
    "--dtype",
    default="float32",
    type=click.Choice(list(PRECISIONS)),
    help="Cut sums so that they are exact in this dtype. bfloat16 and float16 need more blocks.",
)
@machine_options
@json_option
def compile_command(
    target: str,
    output: Path | None,
    bake: bool,
    dtype: str,
    wanted: Wanted,
    as_json: bool,
) -> None:
    """Compile a program, or only a machine, to weights in a safetensors file."""
    from looped.artefact.checkpoint import save_machine
    from looped.inspect.listing import describe

    if target in registry.names():
        if bake:
            raise click.UsageError("--bake needs a program.")
        compiled, image = open_both(target, wanted, dtype)
        name = target
    else:
        image = open_source(Path(target), wanted)
        memory = api.usual_memory(image) if wanted.memory is None else wanted.memory
        compiled = wanted.counted(wanted.compiled(image, memory, bake=bake, dtype=dtype))
        name = Path(target).stem
    path = output or Path(name + COMPILED)
    save_machine(path, compiled, image)
    sizes = {k: v for k, v in describe(compiled).items() if k not in ("words", "lanes", "blocks")}
    if as_json:
        click.echo(json.dumps({"file": str(path), "blocks": len(compiled.plan.blocks), **sizes}))
        return
    plan = compiled.plan
    click.echo(
        f"{path}: {plan.machine}, {plan.width} bits, {plan.memory} words, "
        + "".join(f"{name} {value}, " for name, value in plan.parameters.items())
        + f"{len(plan.blocks)} blocks, d_model {plan.d_model}, "
        f"{compiled.nonzero_weights:,} non-zero weights"
    )


_INFO = """Explain the weights: per block, each head and each MLP group, and the words they touch.

\b
Examples:
  looped info subleq --width 16 --memory 1024
  looped info sieve.safetensors --json
  looped info subleq --picture subleq.svg
"""


@click.command(help=_INFO)
@click.argument("target", metavar="PROGRAM|MACHINE|FILE")
@machine_options
@click.option("--picture", type=_PATH, help="Also draw blocks, heads and lanes (.png, .svg, .pdf).")
@json_option
def info(target: str, wanted: Wanted, picture: Path | None, as_json: bool) -> None:
    """Explain the weights: per block, each head and each MLP group, and the words they touch."""
    from rich.console import Console

    from looped.inspect.listing import describe, listing

    compiled = open_target(target, wanted)
    if picture is not None:
        from looped.inspect.picture import draw

        draw(compiled, picture)
    if as_json:
        click.echo(json.dumps(describe(compiled)))
    else:
        Console(soft_wrap=True, highlight=False).print(listing(compiled))


_EXPORT = """Write the weights into FOLDER as a checkpoint that stock software loads.

The format hf is the looped machine as a LlamaModel. The format causal is another machine: a causal
language model with a tokenizer. Its prompt, `prompt.txt`, is the program, and the text that it
generates is the run. gguf is the same for llama.cpp, and onnx for onnxruntime. bart is an
encoder-decoder, for programs that do not write to their instructions.

\b
Examples:
  looped export --format hf subleq --width 16 --memory 256 subleq-llama
  looped export --format hf sieve.safetensors sieve-llama
  looped export --format causal programs/subleq/sieve.sasm sieve-causal
  looped export --format gguf programs/subleq/sieve.sasm sieve-gguf
"""


@click.command(help=_EXPORT)
@click.argument("target", metavar="PROGRAM|MACHINE|FILE")
@click.argument("folder", type=_PATH)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["hf", "causal", "bart", "gguf", "onnx"]),
    required=True,
    help="hf: for transformers.LlamaModel.from_pretrained. causal: for AutoModelForCausalLM and "
    "pipelines. bart: for AutoModelForSeq2SeqLM. gguf: for llama.cpp. onnx: for onnxruntime.",
)
@window_option
@machine_options
@json_option
def export(
    target: str, folder: Path, kind: str, wanted: Wanted, window: bool, as_json: bool
) -> None:
    """Write the weights into FOLDER as a checkpoint that stock software loads."""
    if folder.exists() and not folder.is_dir():
        raise FileError(f"{folder} is not a folder")
    if kind == "hf":
        layers, name = write_llama(target, folder, wanted), "a LlamaModel"
    else:
        from looped.cli.export_causal import write_causal

        name, layers = write_causal(target, folder, kind, wanted, window)
    if as_json:
        click.echo(json.dumps({"folder": str(folder), "format": kind}))
    else:
        click.echo(f"{folder}: {name} of {layers} layers")


def write_llama(target: str, folder: Path, wanted: Wanted) -> int:
    """Write a machine as a checkpoint for `LlamaModel`. Returns its number of layers."""
    from looped.artefact.llama import export_llama

    compiled = open_target(target, wanted)
    export_llama(compiled, folder)
    return len(compiled.plan.blocks)
