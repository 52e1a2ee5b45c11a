"""The encoder-decoder runs programs that keep their instructions, on the core and in a BART."""

from __future__ import annotations

import functools
import random
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

import looped
from looped.decoder import Spec
from looped.decoder.compare import Comparison
from looped.decoder.harvard import HarvardModel, Layout
from looped.errors import CompileError, MismatchError
from looped.image import Image
from looped.reference import Subleq
from tests import seeds
from tests.programs.headers import FOLDER, Program, programs

BAKED = [p for p in programs() if p.baked and looped.assemble(p.path).width <= 16]
SMALL = Layout(Spec(width=8, memory=32, context=1024))
END = 255


@functools.cache
def core(layout: Layout) -> HarvardModel:
    return HarvardModel(layout)


def layout_of(image: Image, context: int = 2048) -> Layout:
    memory = looped.api.smallest_memory(image)
    return Layout(Spec(width=image.width, memory=memory, context=context))


def comparison(layout: Layout, words: list[int], data: bytes, entry: int = 0) -> Comparison:
    spec = layout.spec
    return Comparison(layout.vocabulary, Subleq(words, spec.width, spec.memory, b"", entry),
                      iter(data))  # fmt: skip


def check(layout: Layout, words: list[int], data: bytes, most: int, entry: int = 0) -> list[int]:
    """Run a program on the core; each token is compared with the reference."""
    watch = comparison(layout, words, data, entry)
    begin = layout.begin(words, entry)
    found = core(layout).generate(layout.program(words), begin, watch.answer, most, watch.check)
    assert found[-1] == layout.vocabulary.halt or len(found) == most
    return found


def test_a_program_runs_to_its_end() -> None:
    image = looped.assemble(FOLDER / "subleq" / "countdown8.sasm")
    assert SMALL.vocabulary.output(check(SMALL, list(image.words), b"", 400)) == b"9876543210\n"


@pytest.mark.slow
@pytest.mark.parametrize("each", BAKED, ids=lambda each: each.path.stem)
def test_every_program_that_keeps_its_instructions(each: Program) -> None:
    image = looped.assemble(each.path)
    layout = layout_of(image)
    found = check(layout, list(image.words), each.input, 2000, image.entry)
    assert layout.vocabulary.output(found) == each.output


CORNERS = {
    "a word that was never written": [20, 21, 3, 21, END, 6, 22, 22, END],
    "a equals b": [9, 9, 6, 0, 0, 0, 10, 10, END, 7, 5],
    "input before anything else": [END, 12, 3, 12, END, 6, 13, 13, END],
    "a word of the program, then its new value": [9, 10, 3, 9, 10, 6, 11, 11, END, 1, 5, 0],
    "word 0 as data": [0, 12, 3, 12, END, 6, 13, 13, END],
}


@pytest.mark.parametrize("words", CORNERS.values(), ids=CORNERS)
def test_corners(words: list[int]) -> None:
    check(SMALL, words, b"xyz", 60)


def test_a_program_may_begin_elsewhere() -> None:
    check(SMALL, [1, 2, 3, 9, 10, 6, 11, 11, END, 4, 90], b"", 40, entry=3)


def steady(rng: random.Random) -> list[int]:
    """A random program of six instructions whose writes go to the words behind them."""
    words = [rng.randrange(256) for _ in range(32)]
    for place in range(0, 15, 3):
        target = rng.choice([rng.randrange(18, 32), rng.randrange(18, 32), END])
        words[place : place + 3] = [rng.randrange(32), target, rng.choice([0, 3, 6, 9, 12, 15])]
    words[15:18] = [18, 18, 0]
    return words


@pytest.mark.slow
def test_random_programs_that_keep_their_instructions() -> None:
    for seed in range(40):
        check(SMALL, steady(seeds.rng(f"harvard {seed}")), b"some input", 200)


def test_a_program_that_writes_to_its_instructions_goes_wrong() -> None:
    image = looped.assemble(FOLDER / "subleq" / "selfmodify.sasm")
    with pytest.raises(MismatchError):
        check(layout_of(image), list(image.words), b"", 60)


def test_all_lanes_are_signs() -> None:
    image = looped.assemble(FOLDER / "subleq" / "countdown8.sasm")
    model, program = core(SMALL), SMALL.program(image.words)
    encoded = model.encode(program)
    assert encoded.shape == (1, SMALL.encoded, SMALL.d_model)
    assert set(encoded.unique().tolist()) == {-1.0, 1.0}


def test_what_is_impossible_is_refused() -> None:
    with pytest.raises(CompileError, match="an encoder-decoder has words of at most 16 bits"):
        Layout(Spec(width=32, memory=32))
    with pytest.raises(CompileError, match="float32 does not hold all scores"):
        Layout(Spec(width=8, memory=32, context=1 << 20))
    with pytest.raises(CompileError, match="an encoder-decoder has no window"):
        Layout(Spec(width=8, memory=32, window=100))


def stock(name: str, layout: Layout) -> Any:
    """A machine in a stock class."""
    pytest.importorskip("transformers")
    from looped.decoder.harvard.bart import bart_model
    from looped.decoder.harvard.bert import bert_model

    made = {"BartForConditionalGeneration": bart_model, "EncoderDecoderModel": bert_model}
    return made[name](layout)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["BartForConditionalGeneration", "EncoderDecoderModel"])
@pytest.mark.parametrize("each", BAKED, ids=lambda each: each.path.stem)
def test_a_stock_class_executes_every_program_that_keeps_its_instructions(
    name: str, each: Program
) -> None:
    image = looped.assemble(each.path)
    layout = layout_of(image)
    vocabulary, model = layout.vocabulary, stock(name, layout)
    assert type(model).__name__ == name
    due = list(islice(comparison(layout, list(image.words), each.input).due, 2000))
    program, tokens = torch.tensor([layout.program(image.words)]), [vocabulary.begin]
    answers = iter(each.input)
    while tokens[-1] != vocabulary.halt:
        tokens = model.generate(program, decoder_input_ids=torch.tensor([tokens]))[0].tolist()
        if tokens[-1] == vocabulary.ask:
            tokens += vocabulary.value(next(answers, (1 << image.width) - 1))
    assert tokens[1:] == due


@pytest.mark.slow
def test_an_exported_bart_is_loaded_by_stock_classes(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from looped.decoder.harvard.bart import export_bart

    image = looped.assemble(FOLDER / "subleq" / "countdown8.sasm")
    export_bart(SMALL, image, tmp_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path)
    text = (tmp_path / "prompt.txt").read_text()
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=False).input_ids
    found = model.generate(ids)[0]
    assert tokenizer.decode(found, skip_special_tokens=True) == "9876543210\n"
