"""A MEGABYTE that runs: patch by patch, each byte beside the reference."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import Tensor

from looped.artefact.architecture import PLAIN
from looped.nn import Attention, Block
from looped.nn.stacks import Megabyte
from looped.passes.variants import compile_for
from looped.profiles.case import Case
from looped.registry import registry
from looped.study.variants.cost import hidden_units
from looped.study.variants.programs import BITS, MEMORY, long_programs
from looped.study.variants.row import Row, Training
from looped.trace import Step
from looped.variants.records import FIELDS, megabyte_of

__all__ = ["run_records"]

_NAME = "MEGABYTE: a patch an instruction"
_IDLE = "local attention"
_OUT, _TAKEN = 2, 4
_WRITTEN = ("address", "value")
_MARGIN = 128.0


def run_records(steps: int, training: Training | None = None) -> Row:
    """Run three programs for `steps` instructions each."""
    machine = compile_for(registry.machine("subleq").circuit(BITS, MEMORY), PLAIN)
    patches = MEMORY + steps
    model = megabyte_of(machine, 1 << patches.bit_length())
    began, done, fault = time.perf_counter(), 0, None
    for case in long_programs(3, steps):
        right, wrong = _compare(model, case, steps)
        done, fault = done + right, fault or wrong
    rate = done / (time.perf_counter() - began)
    layers = [*model.globally.layers, *model.locally.layers]
    units = sum(hidden_units(cast(Block, layer)) for layer in layers)
    mixers = [cast(Attention, cast(Block, layer).self_attn) for layer in model.globally.layers]
    heads = sum(mixer.n_heads for mixer in mixers if mixer.o_proj.weight.any())
    lanes = model.global_positions.weight.shape[1]
    growth = f"a patch an instruction: {patches:,} patches after {steps * len(FIELDS):,} bytes"
    return Row(
        _NAME, "", done, fault, _IDLE, "underflow", _MARGIN, len(layers), lanes, units,
        heads * patches + len(FIELDS) ** 2, growth, rate,
        "" if training is None else training("megabyte"),
    )  # fmt: skip


@torch.inference_mode()
def _compare(model: Megabyte, case: Case, steps: int) -> tuple[int, str | None]:
    """Instructions whose bytes are all those of the reference, and the first difference."""
    words = [*case.image.words, *[0] * (MEMORY - len(case.image.words))]
    text = torch.tensor([patch for at, word in enumerate(words) for patch in (0, at, word, 0, 0)])
    for done, wanted in enumerate(_due(case, steps)):
        empty = torch.zeros(len(FIELDS), dtype=torch.long)
        context = model.contexts(torch.cat([text, empty])[None])[0, -1:]
        patch = _spelt(model, context, wanted[2])
        found, due = _told(patch.tolist()), _told(wanted)
        if found != due:
            return done, f"instruction {done + 1} is {found} and should be {due}"
        text = torch.cat([text, patch])
    return steps, None


def _spelt(model: Megabyte, context: Tensor, given: int) -> Tensor:
    """The next patch, byte by byte; the host gives the value of an instruction that takes input."""
    patch = torch.zeros(1, len(FIELDS), dtype=torch.long)
    for place, name in enumerate(FIELDS):
        patch[0, place] = model.bytes_of(patch, context)[0, place].argmax()
        if name == "value" and patch[0, 0] == _TAKEN:
            patch[0, place] = given
    return patch[0]


def _told(patch: Sequence[int]) -> dict[str, int]:
    """The bytes of a patch that mean something: output changes no memory."""
    told = dict(zip(FIELDS, patch, strict=True))
    return {n: byte for n, byte in told.items() if told["kind"] != _OUT or n not in _WRITTEN}


def _due(case: Case, steps: int) -> Iterator[list[int]]:
    """The patches of the reference."""
    computer = registry.machine("subleq").reference(case.image.words, BITS, MEMORY, case.data, 0)
    for _ in range(steps):
        yield _patch(computer.step())


def _patch(step: Step) -> list[int]:
    if step.emitted is not None:
        return [_OUT, 0, 0, step.next_pc, step.emitted]
    (write,) = step.writes
    kind = 0 if step.consumed is None else _TAKEN
    return [kind, write.address, write.value, step.next_pc, 0]
