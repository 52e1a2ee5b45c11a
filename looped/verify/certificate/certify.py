"""certify: everything there is to show about a machine, block by block."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from looped.artefact.plan import CompiledMachine
from looped.circuit.circuit import Circuit
from looped.precision import PRECISIONS
from looped.verify.certificate.attention import attended
from looped.verify.certificate.claims import Certificate, Claim, Lead, Verdict
from looped.verify.certificate.context import Subject
from looped.verify.certificate.exhaustion import exhaustion_claims
from looped.verify.certificate.induction import Induction, induction_claims
from looped.verify.certificate.instructions import instruction_claims
from looped.verify.certificate.invariants import invariant_claims
from looped.verify.certificate.machine_claims import place_claims
from looped.verify.certificate.mlp import mlp_claims
from looped.verify.certificate.premises import premise_claims
from looped.verify.certificate.sum_ranges import Extent, block_extents
from looped.verify.certificate.value_ranges import block_spans
from looped.verify.certificate.verdicts import block_leads, verdict

__all__ = ["block_claims", "certify", "whole_claims"]


def certify(
    machine: CompiledMachine,
    circuit: Circuit,
    progress: Callable[[int], None] = lambda done: None,
) -> Certificate:
    """Show that a machine's weights compute a circuit for all states, and in which dtypes exactly.

    `progress` is called with the number of blocks done. What cannot be shown is a failed claim.
    """
    started = time.monotonic()
    claims = [*premise_claims(machine, circuit)]
    if not all(claim.holds for claim in claims):
        return _refused(machine, claims, time.monotonic() - started)
    subject = Subject.of(machine, circuit)
    claims += whole_claims(subject)
    extents: list[Extent] = []
    leads: list[Lead] = []
    for block in range(len(machine.plan.blocks)):
        rows = subject.rows(block)
        heads = attended(subject, block, rows)
        claims += heads.claims
        claims += mlp_claims(subject, block, rows)
        claims += exhaustion_claims(subject, block, rows)
        spans = block_spans(rows, subject.classes)
        extents += block_extents(block, spans)
        leads += block_leads(machine.plan, block, spans, heads.leads)
        progress(block + 1)
    verdicts = {
        name: verdict(form, machine.plan, machine.weights, extents, leads)
        for name, form in PRECISIONS.items()
    }
    return Certificate(
        machine=machine.plan.machine,
        dtype=machine.plan.dtype,
        claims=tuple(claims),
        extents=tuple(extents),
        leads=tuple(leads),
        verdicts=verdicts,
        seconds=time.monotonic() - started,
    )


def _refused(machine: CompiledMachine, claims: list[Claim], seconds: float) -> Certificate:
    """A certificate of what cannot be looked at any further."""
    fault = next(claim.fault for claim in claims if claim.fault is not None)
    verdicts = {name: Verdict(name, 0, (fault,)) for name in PRECISIONS}
    plan = machine.plan
    return Certificate(plan.machine, plan.dtype, tuple(claims), (), (), verdicts, seconds)


def whole_claims(subject: Subject) -> Iterator[Claim]:
    """The claims about the machine as a whole: columns, statements between loops, registers."""
    yield from place_claims(subject)
    yield from induction_claims(Induction(subject))
    yield from invariant_claims(subject)
    yield from instruction_claims(subject)


def block_claims(subject: Subject, block: int) -> Iterator[Claim]:
    """The claims about what one block computes, one by one: heads, then MLP."""
    rows = subject.rows(block)
    yield from attended(subject, block, rows).claims
    yield from mlp_claims(subject, block, rows)
