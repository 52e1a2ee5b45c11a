"""The regimes of a softmax: the law, machines around it, and snaps that are wrong."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch

from looped import registry
from looped.artefact.embedding import embed
from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.errors import CertificateError
from looped.passes.emit import compile_circuit
from looped.passes.snap import with_snap
from looped.precision import PRECISIONS, precision
from looped.verify.certificate import certify, numeric_verdict
from looped.verify.certificate.claims import HeadMargin
from looped.verify.certificate.leaks import Softmax, softmax
from looped.verify.certificate.sum_ranges import SumRange
from tests.seeds import rng

BITS = 8
"""The width of the machines here; they have 32 words of memory, so 34 columns."""


def machine(beta: float, dtype: str = "float32") -> CompiledMachine:
    circuit = registry.machine("subleq").circuit(BITS, 32, None, precision(dtype))
    return compile_circuit(circuit, beta=beta)


def law(dtype: str, rivals: int) -> float:
    """The scaled margin from which a residual add absorbs what `rivals` columns leak."""
    return (PRECISIONS[dtype].mantissa + 2) * math.log(2) + math.log(rivals)


def read_is_exact(gap: float, rivals: int, dtype: torch.dtype) -> bool:
    """Whether -1 plus a read of {0, 2} is ±1 for every content of the columns."""
    scores = torch.tensor([[0.0] + [-gap] * rivals], dtype=dtype)
    for own in (0.0, 2.0):
        for others in (0.0, 2.0):
            values = torch.tensor([[own]] + [[others]] * rivals, dtype=dtype)
            found = -1 + scores.softmax(-1) @ values
            if found.item() != own - 1:
                return False
    return True


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("rivals", [1, 10, 100])
def test_one_read_obeys_the_law(dtype: str, rivals: int) -> None:
    """Above the law it is exact, and half a unit below it is not: the law is tight."""
    kind: torch.dtype = getattr(torch, dtype)
    least = law(dtype, rivals)
    step = {"bfloat16": 0.25, "float16": 0.1}.get(dtype, 0.01)
    above = [least + step * (1 + i) for i in range(20)]
    assert all(read_is_exact(gap, rivals, kind) for gap in above)
    assert not read_is_exact(least - 0.75, rivals, kind)


def any_state(plan_of: CompiledMachine, numbers: random.Random, words: Callable[[], int]) -> object:
    plan = plan_of.plan
    x = embed([words() for _ in range(plan.memory)], plan, 0)
    lanes = plan.words["pc"]
    x[plan.cpu, list(lanes)] = [numbers.choice((-1, 1)) for _ in lanes]
    return x[None]


def differing(soft: CompiledMachine, dtype: str, states: int) -> int:
    """The states in which a pass of a soft machine is not that of the cold one."""
    cold = compile_circuit(registry.machine("subleq").circuit(BITS, 32, None, precision(dtype)))
    found, numbers = 0, rng(1)
    engines = [DenseEngine(m, dtype, "cpu", True) for m in (soft, cold)]
    for number in range(states):
        fill = (0, 255, 127, 128)[number % 4]
        x = any_state(
            cold, numbers, lambda f=fill: numbers.choice((f, f, f, numbers.randrange(256)))
        )
        for engine in engines:
            engine.load(x)
            engine.step(2)
        found += not np.array_equal(engines[0].state(), engines[1].state())
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_certified_machines_are_exact_and_softer_ones_are_not(dtype: str) -> None:
    rivals = 33
    least = math.ceil(4 * (law(dtype, rivals) + (0.25 if dtype == "float16" else 0.01))) / 4
    certified = machine(least, dtype)
    verdict = numeric_verdict(certified, dtype)
    assert (verdict.exact, verdict.regime) == (True, "absorbed")
    assert differing(certified, dtype, 24) == 0
    softer = machine(math.floor(4 * (law(dtype, 1) - 1)) / 4, dtype)
    assert numeric_verdict(softer, dtype).regime is None
    assert differing(softer, dtype, 24) > 0


def test_the_certificate_names_its_regime() -> None:
    def found(made: CompiledMachine, dtype: str) -> str | None:
        return numeric_verdict(made, dtype).regime

    assert found(machine(1024.0), "float64") == "underflow"
    assert found(machine(128.0), "float32") == "underflow"
    assert found(machine(128.0), "float64") == "absorbed"
    assert found(machine(22.0), "float32") == "absorbed"
    assert found(machine(21.0), "float32") is None
    assert found(with_snap(machine(6.0)), "float32") == "snapped"
    assert found(with_snap(machine(2.0)), "float32") is None


@pytest.mark.slow
def test_a_certificate_of_a_soft_machine_holds_and_has_a_limit() -> None:
    circuit = registry.machine("subleq").circuit(BITS, 32)
    proof = certify(machine(22.0), circuit)
    assert proof.sound and proof.certified("float32") and not proof.certified("float64")
    columns = proof.verdicts["float32"].columns
    assert columns is not None and 34 <= columns <= 1 + math.exp(22 - law("float32", 1))


def test_an_engine_without_a_certificate_refuses_a_soft_machine() -> None:
    with pytest.raises(CertificateError, match="scaled margin of 22, and softmax underflows above"):
        DenseEngine(machine(22.0), "float32")


@pytest.mark.slow
def test_a_snapped_machine_is_certified_with_its_snaps() -> None:
    circuit = registry.machine("subleq").circuit(BITS, 32)
    proof = certify(with_snap(machine(6.0)), circuit)
    assert proof.certified("float32") and proof.verdicts["float32"].regime == "snapped"


@pytest.mark.parametrize("part", ["gate_proj", "up_proj", "down_proj"])
def test_another_snap_is_refused(part: str) -> None:
    snapped = with_snap(machine(6.0))
    name = f"layers.1.snap.{part}.weight"
    matrix = snapped.weights[name].clone()
    row, column = matrix.nonzero()[7].tolist()
    for value in (0.0, 1.5, -float(matrix[row, column])):
        matrix[row, column] = value
        changed = dataclasses.replace(snapped, weights={**snapped.weights, name: matrix})
        verdict = numeric_verdict(changed, "float32")
        assert not verdict.exact and "block 2, snap:" in verdict.faults[0]


def head(form: str, safe: float, ov_bound: int, columns: int) -> Softmax:
    """The regime of a machine of so many columns with one head, in a format."""
    made = machine(22.0)
    plan = dataclasses.replace(made.plan, memory=columns - 2)
    margin = HeadMargin(0, "h", Fraction(safe), Fraction(1), Fraction(0), 1, Fraction(ov_bound))
    total = SumRange(0, "attention", -1, 1, 1, 3, 2)
    return softmax(PRECISIONS[form], plan, [margin], [total])


def test_a_head_whose_columns_agree_must_be_one_hot_too() -> None:
    """Its weights are not 1, 0, 0: the sum of w·c is c only up to roundings."""
    assert head("float32", 3.0, 0, 34).regime is None
    assert head("float32", 30.0, 0, 34) == head("float32", 30.0, 1, 34)


def test_roundings_of_many_terms_enlarge_a_leak_without_a_cap() -> None:
    few, many = (head("bfloat16", 12.0, 2, columns).columns or 0 for columns in (18, 1026))
    assert many < few < math.exp(12.0 - law("bfloat16", 1)) + 1
    assert head("bfloat16", 12.0, 2, 1 << 20).columns == 0


def test_subnormal_weights_bound_the_columns_of_float16() -> None:
    """A loser's weight that rounds to 2^-24 counts as that, however large the margin is."""
    most = head("float16", 60.0, 2, 1026).columns
    assert most is not None and most <= 1 << 11
    assert head("float16", 60.0, 2, 4098).regime is None


def test_a_limit_counts_the_roundings_of_its_own_columns() -> None:
    for form, safe in (("bfloat16", 14.0), ("float16", 14.0), ("float32", 24.0)):
        limit = head(form, safe, 2, 34).columns
        assert limit is not None and head(form, safe, 2, limit).regime == "absorbed"


def test_weights_that_leave_no_integers_are_not_absorbed() -> None:
    """A quarter of a value is rounded away no longer."""
    soft = machine(22.0)
    name = "layers.0.self_attn.o_proj.weight"
    weights = {**soft.weights, name: soft.weights[name] * 0.25}
    assert not numeric_verdict(dataclasses.replace(soft, weights=weights), "float32").exact
