"""`python -m benchmarks.causal_pictures`: the two pictures of docs/generate.md.

docs/record.svg shows which token each head attends to, and docs/entries.svg how many entries the
cache has after each instruction. Both come from runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import torch

from looped import api
from looped.decoder import Spec, Vocabulary
from looped.decoder.compaction import compacted
from looped.decoder.llama import causal_model
from looped.decoder.mistral import sliding_spec
from looped.decoder.pruned import Pruned
from looped.decoder.selective import selective_weights
from looped.decoder.selective_loop import Selective
from looped.decoder.weights import weights
from looped.image import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Growth", "attended", "draw_growth", "draw_record", "growth", "main"]

_DOCS = Path(__file__).parents[1] / "docs"
_PROGRAMS = Path(__file__).parents[1] / "programs" / "subleq"

_WORDS = [9, 10, 3, 10, 255, 6, 10, 10, 255, 1, 66]
"""mem[10] = mem[10] - mem[9]; write mem[10]; halt."""

_FOUND = (("address", "value", "pc"), ("a", "b", "c"), ("mem_a", "mem_b"))
_COLOURS = ("#4c78a8", "#54a24b", "#e45756")

Growth = dict[str, list[int]]
"""Entries of the cache after each instruction, by the way in which the run goes on."""


def main() -> None:
    """Draw docs/record.svg and docs/entries.svg."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--program", default="sieve")
    parser.add_argument("--tokens", type=int, default=7000)
    parser.add_argument("--output", type=Path, default=_DOCS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "looped"
    draw_record(options.output / "record.svg")
    image = api.assemble(_PROGRAMS / f"{options.program}.sasm")
    draw_growth(growth(image, options.tokens), options.program, options.output / "entries.svg")


def attended() -> tuple[list[str], list[list[int]]]:
    """The tokens of a prompt and of the record behind it, and the token that each head of each
    layer attends to from the last one."""
    spec = Spec(width=8, memory=64, context=4096)
    vocabulary = Vocabulary(spec)
    record = [vocabulary.first["b"] + 10, *vocabulary.value(0x41), vocabulary.first["p"] + 3]
    tokens = [*vocabulary.prompt(_WORDS), *record]
    with torch.inference_mode():
        made = causal_model(spec, "eager")(torch.tensor([tokens]), output_attentions=True)
    heads = [
        made.attentions[layer][0, : len(found), -1].argmax(-1).tolist()
        for layer, found in enumerate(_FOUND)
    ]
    return [vocabulary.name(token).strip() for token in tokens], heads


def draw_record(path: Path) -> None:
    """Draw the tokens in a row for each layer, and an arc for each head."""
    from matplotlib import pyplot

    names, heads = attended()
    figure, panels = pyplot.subplots(3, 1, figsize=(11, 5.4))
    for layer, (axes, places) in enumerate(zip(panels, heads, strict=True)):
        _arcs(axes, names, places, _FOUND[layer], _COLOURS[layer])
        axes.set_title(f"layer {layer + 1}", loc="left", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _arcs(
    axes: Axes, names: list[str], places: list[int], found: tuple[str, ...], colour: str
) -> None:
    from matplotlib.patches import Arc

    last = len(names) - 1
    for place, name in enumerate(names):
        bold = "bold" if place in places or place == last else "normal"
        axes.text(place, -0.1, name, rotation=90, ha="center", va="top", fontsize=8, weight=bold)
    for height, (place, name) in enumerate(zip(places, found, strict=True)):
        width = max(last - place, 0.6)
        tall = 0.5 + 1.5 * width / last
        arc = Arc(((place + last) / 2, 0), width, 2 * tall, theta1=0, theta2=180, color=colour)
        axes.add_patch(arc)
        line = {"arrowstyle": "-", "color": colour, "lw": 0.5}
        top = (place, 0.3 + 0.45 * height)
        axes.annotate(name, (place, 0.02), top, color=colour, size=8, ha="center", arrowprops=line)
    axes.set(xlim=(-1, last + 1), ylim=(-1.3, 2.2))
    axes.axis("off")


def growth(image: Image, tokens: int, context: int = 1024) -> Growth:
    """The entries of the cache during a run: with the whole text, with new prompts in a context,
    with a window, with the pruned cache, with selective attention.

    A program makes the same tokens in all of them. So the first three follow from the tokens.
    """
    memory = api.smallest_memory(image)
    spec = Spec(width=image.width, memory=memory, context=1 << 15)
    vocabulary = Vocabulary(spec)
    prompt, ends = vocabulary.prompt(image.words, image.entry), vocabulary.types["p"]
    found: Growth = {"the whole text": [], "a window": [], "pruned": [], "selective": []}
    sliding = sliding_spec(spec.width, memory)
    longer = len(Vocabulary(sliding).prompt(image.words, image.entry)) - len(prompt)
    count = len(prompt)
    loops = {"pruned": Pruned(weights(spec)), "selective": Selective(selective_weights(spec))}
    for name, loop in loops.items():

        def watch(token: int, name: str = name, loop: Pruned = loop) -> None:
            nonlocal count
            count += 1
            if token in ends:
                found[name].append(loop.entries)
            if token in ends and name == "pruned":
                found["the whole text"].append(count)
                refreshes = len(found["a window"]) * (spec.digits + 1)
                found["a window"].append(min(sliding.span, longer + count + refreshes))

        loop.generate(prompt, lambda: 0, tokens, watch)
    return found | {f"new prompts, context {context:,}": _compacted(image, spec, tokens, context)}


def _compacted(image: Image, spec: Spec, tokens: int, context: int) -> list[int]:
    """Entries with a new prompt whenever the context is full."""
    short = replace(spec, context=context)
    vocabulary, loop, sizes = Vocabulary(short), Pruned(weights(short)), list[int]()

    def continue_(
        prompt: Sequence[int],
        answer: Callable[[], int],
        most: int,
        watch: Callable[[int], None],
    ) -> list[int]:
        size = len(prompt)

        def counted(token: int) -> None:
            nonlocal size
            size += 1
            if token in vocabulary.types["p"]:
                sizes.append(size)
            watch(token)

        return loop.generate(prompt, answer, most, counted)

    prompt = vocabulary.prompt(image.words, image.entry)
    compacted(continue_, vocabulary, prompt, lambda: 0, tokens)
    return sizes


def draw_growth(found: Growth, program: str, path: Path) -> None:
    """Draw a line for each way."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4))
    for name, sizes in found.items():
        axes.plot(range(1, len(sizes) + 1), sizes, label=f"{name}: {sizes[-1]:,}", lw=1.2)
    axes.set(xlabel=f"instructions of {program}", ylabel="entries of the cache", yscale="log")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


if __name__ == "__main__":
    main()
