"""The proof: the solver decides every case of a machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import z3

from looped import registry
from looped.circuit.circuit import Circuit
from looped.errors import ProofError
from looped.passes.fuse_reads import fuse_reads
from looped.symbolic.cases import Case
from looped.symbolic.loop import Loop
from looped.verify.prove.counterexample import MachineState

__all__ = ["Proof", "Refuted", "Undecided", "prove"]

_SECONDS = 300
"""The solver's time for one claim. The longest that it decides, a step of a product, takes 30."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The size of a proof: claims and cases, and its seconds."""

    cases: int
    claims: int
    seconds: float


class Refuted(ProofError):
    """A state in which the circuit does not do what the manual says."""

    def __init__(self, case: str, claim: str, state: MachineState) -> None:
        super().__init__(f"{case}: {claim}: false in the state {state}")
        self.case, self.claim, self.state = case, claim, state


class Undecided(ProofError):
    """Claims, each with its case, that the solver has not decided in its time. All others hold if
    these do; none has been refuted."""

    def __init__(self, claims: tuple[tuple[str, str], ...]) -> None:
        shown = ", ".join(f"`{claim}` in {case}" for case, claim in claims)
        super().__init__(f"not proved: the solver has not decided {shown}; the rest follows")
        self.claims = claims


def prove(
    circuit: Circuit,
    note: Callable[[str], None] = lambda text: None,
    seconds: int = _SECONDS,
) -> Proof:
    """Prove that one loop of a universal machine's circuit is one step of the reference.

    `prove` calls `note` with the name of each case before the solver begins it. The solver has some
    `seconds` for a claim. Raises Refuted with a state that refutes a claim, Undecided at the end,
    and ProofError for a machine without cases or an invalid circuit.
    """
    machine = registry.machine(circuit.name)
    prover_cases = machine.prover_cases
    if prover_cases is None:
        raise ProofError(f"there is no proof for {machine.name}: {machine.why_no_proof}")
    began = time.perf_counter()
    loop = Loop(fuse_reads(circuit))
    solver = z3.SolverFor("QF_BV")
    solver.set("timeout", 1000 * seconds)
    cases = claims = known = 0
    undecided: list[tuple[str, str]] = []
    for case in prover_cases(loop):
        note(case.name)
        solver.add(*loop.facts[known:])
        known = len(loop.facts)
        undecided += ((case.name, claim) for claim in _show(solver, loop, case))
        cases, claims = cases + 1, claims + len(case.claims)
    if undecided:
        raise Undecided((*undecided,))
    return Proof(cases, claims, time.perf_counter() - began)


def _show(solver: z3.Solver, loop: Loop, case: Case) -> list[str]:
    """Prove one claim after the other, each from the case and from those before it; returns those
    that the solver does not decide. Raises Refuted: a state that refutes a claim does so whether or
    not those are true."""
    undecided = []
    solver.push()
    solver.add(*case.given)
    for claim in case.claims:
        solver.push()
        solver.add(z3.Not(claim.holds))
        found = solver.check()
        if found == z3.sat:
            raise Refuted(case.name, claim.what, MachineState.of(loop, solver.model()))
        if found != z3.unsat:
            undecided.append(claim.what)
        solver.pop()
        solver.add(claim.holds)
    solver.pop()
    return undecided
