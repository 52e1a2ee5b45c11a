"""Tokens, their text, and what a history leaves behind."""

from __future__ import annotations

import pytest

import looped
from looped.decoder import Spec, Vocabulary, records, replay
from looped.decoder.tokenizer import tokenizer
from looped.errors import CompileError
from looped.reference import Subleq
from tests.decoder.models import SMALL, WORDS
from tests.programs.headers import FOLDER

WINDOWED = Spec(width=16, memory=32, window=300)


@pytest.mark.parametrize("spec", [SMALL, WORDS, WINDOWED])
def test_every_token_has_a_text_of_its_own(spec: Spec) -> None:
    vocabulary = Vocabulary(spec)
    names = [vocabulary.name(token) for token in range(vocabulary.size)]
    assert len(set(names)) == vocabulary.size
    kinds = [vocabulary.type_of(token) for token in range(vocabulary.size)]
    assert [vocabulary.first[kind] + number for kind, number in kinds] == list(range(len(kinds)))


def test_the_tokenizer_reads_the_text_of_a_run() -> None:
    image = looped.assemble(FOLDER / "subleq" / "echo.sasm")
    vocabulary = Vocabulary(WORDS)
    tokens = vocabulary.prompt(image.words)
    for record in records(Subleq(image.words, 16, 256, b"hi\n")):
        tokens += vocabulary.record(record)
    text = tokenizer(vocabulary)
    assert text(vocabulary.text(tokens), add_special_tokens=False).input_ids == tokens
    assert text.decode(tokens, skip_special_tokens=True) == "hi\n"
    assert vocabulary.output(tokens) == b"hi\n"


def test_the_listing_reads_by_eye() -> None:
    words = [9, 10, 3, 10, 255, 6, 10, 10, 255, 1, 66]
    vocabulary = Vocabulary(SMALL)
    tokens = vocabulary.prompt(words)
    for record in records(Subleq(words, 8, 64)):
        tokens += vocabulary.record(record)
    assert vocabulary.text(tokens) == (
        "<program>\n"
        "[00] 09⁰ 0a¹ 03² 0a³ ff⁴ 06⁵ 0a⁶ 0a⁷\n"
        "[08] ff⁰ 01¹ 42² 00³ 00⁴ 00⁵ 00⁶ 00⁷\n"
        "[00] 09 → 00\n"
        "[0a] 41 → 03\n"
        "<0x41> → 06\n"
        "[0a] 00 <halt>\n"
    )


@pytest.mark.parametrize("name", ["selfmodify", "multiply", "countdown8"])
def test_a_replay_leaves_the_memory_of_the_reference(name: str) -> None:
    image = looped.assemble(FOLDER / "subleq" / f"{name}.sasm")
    spec = Spec(width=image.width, memory=256)
    vocabulary = Vocabulary(spec)
    reference = Subleq(image.words, image.width, spec.memory)
    tokens = vocabulary.prompt(image.words, image.entry)
    for _, record in zip(range(150), records(reference), strict=False):
        tokens += vocabulary.record(record)
        if record.pc is not None:
            assert replay(vocabulary, tokens).pc == record.pc
    assert replay(vocabulary, tokens).words(spec.memory) == reference.memory


def test_a_history_that_ends_inside_a_record_has_no_program_counter() -> None:
    vocabulary = Vocabulary(SMALL)
    tokens = vocabulary.prompt([1, 2, 3], 5)
    assert replay(vocabulary, tokens).pc == 5
    assert replay(vocabulary, tokens[:-1]).pc is None


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"width": 24, "memory": 64}, "no causal machine has 24-bit words"),
        ({"width": 8, "memory": 512}, "a memory of 512 words is impossible with 8-bit words"),
        ({"width": 16, "memory": 48}, "a memory of 48 words is impossible with 16-bit words"),
        (
            {"width": 8, "memory": 64, "counter_bits": 8},
            "a program counter of 8 bits is impossible",
        ),
    ],
)
def test_impossible_sizes_are_refused(sizes: dict[str, int], message: str) -> None:
    with pytest.raises(CompileError) as caught:
        Spec(**sizes)
    assert str(caught.value) == message


def test_what_does_not_fit_is_refused() -> None:
    vocabulary = Vocabulary(SMALL)
    with pytest.raises(CompileError, match="the program has 65 words, but memory has only 64"):
        vocabulary.prompt([1] * 65)
    with pytest.raises(CompileError, match="jumps to 64, and the model has program counters below"):
        vocabulary.counter(64)
