"""The stock `generate` executes programs, token by token as the reference does."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest
import torch

import looped
from looped.decoder import Spec, Vocabulary, records
from looped.decoder.compare import Comparison
from looped.decoder.generate import generate
from looped.errors import CompileError, MismatchError
from looped.image import Image
from looped.reference import Subleq
from tests.decoder.models import BYTES, WORDS, model
from tests.programs.headers import FOLDER, Program, programs

transformers = pytest.importorskip("transformers")
ALL = programs()
MOST = 20_000
"""Tokens of a run at most: all programs halt before."""


def spec_of(image: Image, memory: int = 256) -> Spec:
    least = max(memory, looped.api.smallest_memory(image))
    return Spec(width=image.width, memory=min(least, 1 << image.width))


def due(spec: Spec, image: Image, data: bytes) -> Iterator[int]:
    vocabulary = Vocabulary(spec)
    for record in records(Subleq(image.words, spec.width, spec.memory, data, image.entry)):
        yield from vocabulary.record(record)


def check(program: Program, most: int, attention: str = "sdpa") -> tuple[list[int], bytes]:
    """Generate so many tokens, each compared with the reference; the tokens and the output."""
    image = looped.assemble(program.path)
    spec = spec_of(image)
    vocabulary = Vocabulary(spec)
    reference = Subleq(image.words, spec.width, spec.memory, b"", image.entry)
    comparison = Comparison(vocabulary, reference, iter(program.input))
    prompt = vocabulary.prompt(image.words, image.entry)
    seen: list[int] = []

    def watch(token: int) -> None:
        comparison.check(token)
        seen.append(token)

    tokens = generate(model(spec, attention), vocabulary, prompt, comparison.answer, most, watch)
    assert seen == tokens == list(islice(due(spec, image, program.input), len(tokens)))
    assert tokens[-1] == vocabulary.halt or len(tokens) == most
    return tokens, vocabulary.output(tokens)


def program(name: str) -> Program:
    (found,) = (p for p in ALL if p.path.stem == name)
    return found


@pytest.mark.parametrize("name", [pytest.param("countdown8", marks=pytest.mark.slow), "selfmodify"])
def test_a_program_runs_to_its_end(name: str) -> None:
    _, output = check(program(name), 400)
    assert output == program(name).output


def test_the_host_answers_a_question() -> None:
    asked, _ = check(program("echo"), 60)
    assert asked.count(Vocabulary(WORDS).ask) == 4


KERNELS = ("sdpa", "eager")


@pytest.mark.slow
@pytest.mark.parametrize("attention", KERNELS)
@pytest.mark.parametrize("each", ALL, ids=lambda each: each.path.stem)
def test_every_program(each: Program, attention: str) -> None:
    _, output = check(each, MOST, attention)
    assert each.output.startswith(output)


@pytest.mark.slow
@pytest.mark.parametrize("each", ALL, ids=lambda each: each.path.stem)
def test_a_static_cache(each: Program) -> None:
    """Each call of `generate` has a static cache of its own."""
    image = looped.assemble(each.path)
    spec = spec_of(image)
    vocabulary, answers = Vocabulary(spec), iter(each.input)
    tokens = vocabulary.prompt(image.words, image.entry)
    wanted = [*tokens, *islice(due(spec, image, each.input), MOST)]
    while len(tokens) < len(wanted):
        ids = torch.tensor([tokens])
        options = {"max_length": len(wanted), "cache_implementation": "static"}
        tokens = (
            model(spec).generate(ids, attention_mask=torch.ones_like(ids), **options)[0].tolist()
        )
        if tokens[-1] == vocabulary.ask:
            tokens += vocabulary.value(next(answers, (1 << spec.width) - 1))
        assert tokens == wanted[: len(tokens)]
    assert tokens == wanted


@pytest.mark.slow
@pytest.mark.parametrize("width", [8, 16])
def test_a_padded_batch_of_all_programs(width: int) -> None:
    """All programs of a width, until the last one halts. A row that asks waits for the others, and
    then the host answers all of them."""
    each = [p for p in ALL if looped.assemble(p.path).width == width]
    images = [looped.assemble(p.path) for p in each]
    spec = Spec(width=width, memory=max(spec_of(image).memory for image in images))
    vocabulary, prompts = Vocabulary(spec), []
    rows, sources = [], [iter(p.input) for p in each]
    for image in images:
        prompts.append(vocabulary.prompt(image.words, image.entry))
        rows.append(list(prompts[-1]))
    wanted = [[*prompt, *islice(due(spec, image, p.input), MOST)]
              for prompt, image, p in zip(prompts, images, each, strict=True)]  # fmt: skip
    while open_rows := [k for k, row in enumerate(rows) if len(row) < len(wanted[k])]:
        most = max(len(wanted[k]) - len(rows[k]) for k in open_rows)
        ids, mask = batch([rows[k] for k in open_rows], vocabulary.halt)
        found = model(spec).generate(ids, attention_mask=mask, max_length=ids.shape[1] + most)
        for k, new in zip(open_rows, found[:, ids.shape[1] :].tolist(), strict=True):
            ends = [new.index(end) + 1 for end in (vocabulary.halt, vocabulary.ask) if end in new]
            rows[k] += new[: min([*ends, len(wanted[k]) - len(rows[k])])]
            if rows[k][-1] == vocabulary.ask:
                rows[k] += vocabulary.value(next(sources[k], (1 << width) - 1))
            assert rows[k] == wanted[k][: len(rows[k])], each[k].path.stem


def batch(rows: list[list[int]], padding: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows, padded on the left, and their mask."""
    longest = max(map(len, rows))
    ids = torch.tensor([[padding] * (longest - len(row)) + row for row in rows])
    return ids, torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])


def padded(names: list[str], spec: Spec) -> tuple[torch.Tensor, torch.Tensor]:
    images = [looped.assemble(program(name).path) for name in names]
    prompts = [Vocabulary(spec).prompt(image.words, image.entry) for image in images]
    return batch(prompts, Vocabulary(spec).halt)


@pytest.mark.parametrize(
    "options",
    [pytest.param({}, marks=pytest.mark.slow), {"cache_implementation": "static"}],
    ids=["", "static"],
)
def test_a_padded_batch(options: dict[str, str]) -> None:
    names, most = ["selfmodify", "multiply", "hello"], 60
    ids, mask = padded(names, WORDS)
    found = model(WORDS).generate(
        ids, attention_mask=mask, max_length=ids.shape[1] + most, **options
    )
    for name, row in zip(names, found[:, ids.shape[1] :].tolist(), strict=True):
        wanted = list(islice(due(WORDS, looped.assemble(program(name).path), b""), most))
        assert row[: len(wanted)] == wanted


@pytest.mark.slow
def test_sampling_at_temperature_1_is_greedy() -> None:
    ids, mask = padded(["countdown8"], BYTES)
    options = {"attention_mask": mask, "max_length": ids.shape[1] + 40}
    greedy = model(BYTES).generate(ids, **options)
    sampled = model(BYTES).generate(ids, do_sample=True, top_k=0, top_p=1.0, **options)
    assert torch.equal(greedy, sampled)


def test_a_difference_is_found_where_it_is() -> None:
    image = looped.assemble(FOLDER / "subleq" / "hello.sasm")
    vocabulary = Vocabulary(WORDS)
    comparison = Comparison(vocabulary, Subleq(image.words, 16, 256), iter(b""))
    tokens = list(islice(due(WORDS, image, b""), 3))
    for token in tokens:
        comparison.check(token)
    with pytest.raises(MismatchError) as caught:
        comparison.check(vocabulary.ask)
    name = vocabulary.name(list(islice(due(WORDS, image, b""), 4))[3]).strip()
    assert str(caught.value).startswith(
        f"token 4 of the run is `?`, and the reference has `{name}`"
    )


def test_a_program_counter_that_leaves_memory_is_an_error_of_the_comparison() -> None:
    words = [0, 0, 300]
    comparison = Comparison(Vocabulary(WORDS), Subleq(words, 16, 256), iter(b""))
    with pytest.raises(CompileError, match="the program jumps to 300"):
        comparison.check(0)
