"""What each trace machine of the table needs, and what it has and does not use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from torch import nn

from looped.artefact.plan import CompiledMachine
from looped.decoder import Spec
from looped.nn.stacks import Megabyte
from looped.study.variants import records
from looped.study.variants.records import run_records
from looped.study.variants.row import Row
from looped.study.variants.traces import TRACES, run_trace
from looped.variants.records import megabyte_of

Cut = Callable[[Any], None]
"""Changes the loop of a trace machine, or a model, in place."""

ROTARY, SELECTIVE, LAMBDA, ENCODER = TRACES
STEPS = 100


def _still(loop: Any) -> None:
    """No rotation: keys say nothing of when they were written."""
    loop.layers.omegas[:] = 0


def _unmasked(loop: Any) -> None:
    loop.layers.selectors = [0 * queries for queries in loop.layers.selectors]


def _no_sink(loop: Any) -> None:
    """The cache has the last tokens alone, and no key is turned to another distance."""
    loop.sink, loop._turn = 0, lambda: None


def _normless(loop: Any) -> None:
    loop.layers._norm = lambda x: x


def _normless_layers(loop: Any) -> None:
    for layer in (loop.model.encoder, *loop.model.decoder):
        layer.norm = nn.Identity()


def _short(loop: Any) -> None:
    loop.window //= 2


def _no_encoder(loop: Any) -> None:
    for layer in loop.model.decoder:
        layer.cross_attn.o_proj.weight.zero_()


def _no_trace(loop: Any) -> None:
    for layer in loop.model.decoder:
        layer.self_attn.o_proj.weight.zero_()


def row_without(cut: Cut, number: int) -> Row:
    """The row of a trace machine after a cut."""
    trace = TRACES[number]

    def build(spec: Spec) -> tuple[Any, Any]:
        loop, size = trace.build(spec)
        with torch.no_grad():
            cut(loop)
        return loop, size

    return run_trace(replace(trace, build=build), STEPS)


@pytest.mark.parametrize(
    ("number", "cut"),
    [
        (TRACES.index(ROTARY), _still),
        (TRACES.index(SELECTIVE), _unmasked),
        (TRACES.index(LAMBDA), _still),
        (TRACES.index(LAMBDA), _short),
        (TRACES.index(ENCODER), _no_encoder),
        (TRACES.index(ENCODER), _no_trace),
    ],
)
def test_a_trace_machine_is_wrong_without_its_mechanism(number: int, cut: Cut) -> None:
    found = row_without(cut, number)
    assert found.fault is not None and found.steps < 3 * STEPS


@pytest.mark.parametrize(
    ("number", "cut"),
    [
        (TRACES.index(SELECTIVE), _still),
        (TRACES.index(LAMBDA), _no_sink),
        *((number, _normless) for number in range(3)),
        (TRACES.index(ENCODER), _normless_layers),
    ],
)
def test_without_what_is_idle_nothing_changes(number: int, cut: Cut) -> None:
    found = row_without(cut, number)
    assert (found.fault, found.steps) == (None, 3 * STEPS)


def test_only_the_sink_is_named_as_idle() -> None:
    assert [trace.name for trace in TRACES if trace.idle] == [LAMBDA.name]


def _no_global_reads(model: Megabyte) -> None:
    for layer in cast(Any, model.globally).layers:
        layer.self_attn.o_proj.weight.zero_()


def _no_context(model: Megabyte) -> None:
    model.down.weight.zero_()


def _no_spelling(model: Megabyte) -> None:
    for layer in cast(Any, model.locally).layers:
        layer.mlp.down_proj.weight.zero_()


def _no_local_attention(model: Megabyte) -> None:
    for layer in cast(Any, model.locally).layers:
        layer.self_attn = _Silent()


def _no_norms(model: Megabyte) -> None:
    for stack in cast(Any, [model.globally, model.locally]):
        stack.norm = nn.Identity()
        for layer in stack.layers:
            layer.input_layernorm, layer.post_attention_layernorm = nn.Identity(), nn.Identity()


class _Silent(nn.Module):
    def forward(self, x: torch.Tensor, *rest: Any) -> torch.Tensor:
        return torch.zeros_like(x)


def megabyte_without(monkeypatch: pytest.MonkeyPatch, cut: Callable[[Megabyte], None]) -> Row:
    """The row of the MEGABYTE after a cut."""

    def made(machine: CompiledMachine, patches: int) -> Megabyte:
        model = megabyte_of(machine, patches)
        with torch.no_grad():
            cut(model)
        return model

    monkeypatch.setattr(records, "megabyte_of", made)
    return run_records(STEPS)


@pytest.mark.parametrize("cut", [_no_global_reads, _no_context, _no_spelling])
def test_a_patch_needs_both_models(
    monkeypatch: pytest.MonkeyPatch, cut: Callable[[Megabyte], None]
) -> None:
    assert megabyte_without(monkeypatch, cut).fault is not None


@pytest.mark.parametrize("cut", [_no_local_attention, _no_norms])
def test_bytes_of_a_patch_do_not_look_at_each_other(
    monkeypatch: pytest.MonkeyPatch, cut: Callable[[Megabyte], None]
) -> None:
    found = megabyte_without(monkeypatch, cut)
    assert (found.fault, found.steps) == (None, 3 * STEPS)
    assert found.idle == "local attention"
