"""certify: all claims about a machine, first about the whole of it, then block by block."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from looped.artefact.plan import CompiledMachine
from looped.circuit.circuit import Circuit
from looped.precision import PRECISIONS
from looped.verify.certificate.attention import prove_attention
from looped.verify.certificate.claims import Certificate, Claim, HeadMargin, Verdict
from looped.verify.certificate.context import ProofContext
from looped.verify.certificate.exhaustion import exhaustion_claims
from looped.verify.certificate.induction import Induction, induction_claims
from looped.verify.certificate.instructions import instruction_claims
from looped.verify.certificate.invariants import invariant_claims
from looped.verify.certificate.machine_claims import machine_claims
from looped.verify.certificate.mlp import mlp_claims
from looped.verify.certificate.premises import premise_claims
from looped.verify.certificate.sum_ranges import SumRange, block_sum_ranges
from looped.verify.certificate.value_ranges import block_value_ranges
from looped.verify.certificate.verdicts import head_margins, verdict
from looped.verify.certificate.workers import worker_claims

__all__ = ["block_claims", "certify", "whole_claims"]


def certify(
    machine: CompiledMachine,
    circuit: Circuit,
    progress: Callable[[int], None] = lambda done: None,
    code: frozenset[int] | None = None,
) -> Certificate:
    """Prove that a machine's weights compute a circuit for all states, and in which dtypes exactly.

    `progress` is called with the number of blocks done. `code` lists the addresses of the words of
    a baked program that the circuit contains; it is None for a universal machine. A claim without a
    proof is a failed claim.
    """
    started = time.monotonic()
    claims = [*premise_claims(machine, circuit, code)]
    if not all(claim.holds for claim in claims):
        return _refused(machine, claims, time.monotonic() - started)
    context = ProofContext.of(machine, circuit)
    claims += whole_claims(context)
    sums: list[SumRange] = []
    margins: list[HeadMargin] = []
    for block in range(len(machine.plan.blocks)):
        rows = context.rows(block)
        attention = prove_attention(context, block, rows)
        claims += attention.claims
        claims += mlp_claims(context, block, rows)
        claims += exhaustion_claims(context, block, rows)
        ranges = block_value_ranges(rows, context.classes)
        sums += block_sum_ranges(block, ranges)
        margins += head_margins(machine.plan, block, ranges, attention.scaled_margins)
        progress(block + 1)
    verdicts = {
        name: verdict(form, machine.plan, machine.arrays, sums, margins)
        for name, form in PRECISIONS.items()
    }
    return Certificate(
        machine=machine.plan.machine,
        dtype=machine.plan.dtype,
        claims=tuple(claims),
        sums=tuple(sums),
        margins=tuple(margins),
        verdicts=verdicts,
        seconds=time.monotonic() - started,
    )


def _refused(machine: CompiledMachine, claims: list[Claim], seconds: float) -> Certificate:
    """The certificate of a machine whose premises fail: no other claim can be stated."""
    fault = next(claim.fault for claim in claims if claim.fault is not None)
    verdicts = {name: Verdict(name, 0, (fault,)) for name in PRECISIONS}
    plan = machine.plan
    return Certificate(plan.machine, plan.dtype, tuple(claims), (), (), verdicts, seconds)


def whole_claims(context: ProofContext) -> Iterator[Claim]:
    """The claims about the machine as a whole: columns, statements between loops, registers."""
    yield from machine_claims(context)
    yield from induction_claims(Induction(context))
    yield from invariant_claims(context)
    yield from instruction_claims(context)
    yield from worker_claims(context)


def block_claims(context: ProofContext, block: int) -> Iterator[Claim]:
    """The claims about what one block computes, one by one: heads, then MLP."""
    rows = context.rows(block)
    yield from prove_attention(context, block, rows).claims
    yield from mlp_claims(context, block, rows)
