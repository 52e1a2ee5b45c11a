"""The proof: every case of a machine is put to the solver."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import z3

from looped.circuit.circuit import Circuit
from looped.errors import ProofError
from looped.symbolic.cases import Case
from looped.symbolic.loop import Loop
from looped.symbolic.rv32i import rv32i_cases
from looped.symbolic.rv32im import rv32im_cases
from looped.symbolic.subleq import subleq_cases
from looped.verify.prove.counterexample import State

__all__ = ["PROVABLE", "Proof", "Refuted", "prove"]

Cases = Callable[[Loop], Iterator[Case]]

PROVABLE: dict[str, Cases] = {
    "subleq": subleq_cases,
    "rv32i": rv32i_cases,
    "rv32im": rv32im_cases,
}
"""What there is to show of each machine."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was shown: so many claims in so many cases, in so many seconds."""

    cases: int
    claims: int
    seconds: float


class Refuted(ProofError):
    """A state in which the circuit does not do what the manual says."""

    def __init__(self, case: str, claim: str, state: State) -> None:
        super().__init__(f"{case}: {claim}: not in the state {state}")
        self.case, self.claim, self.state = case, claim, state


def prove(circuit: Circuit, note: Callable[[str], None] = lambda text: None) -> Proof:
    """Show that one loop of a universal machine's circuit is one step of the reference.

    `note` is told which case comes next. Raises Refuted with a state in which it is not so, and
    ProofError for a machine that nothing is known of, a circuit that is none, or a case of which
    the solver does not know.
    """
    if circuit.name not in PROVABLE:
        raise ProofError(
            f"there is no proof for {circuit.name}", hint=f"there is one for {', '.join(PROVABLE)}"
        )
    began = time.perf_counter()
    loop = Loop(circuit)
    solver = z3.SolverFor("QF_BV")
    cases = claims = known = 0
    for case in PROVABLE[circuit.name](loop):
        note(case.name)
        solver.add(*loop.facts[known:])
        known = len(loop.facts)
        _show(solver, loop, case)
        cases, claims = cases + 1, claims + len(case.claims)
    return Proof(cases, claims, time.perf_counter() - began)


def _show(solver: z3.Solver, loop: Loop, case: Case) -> None:
    """One claim after the other: what is learned of one is of use for the next."""
    solver.push()
    solver.add(*case.given)
    for claim in case.claims:
        solver.push()
        solver.add(z3.Not(claim.holds))
        found = solver.check()
        if found == z3.sat:
            raise Refuted(case.name, claim.what, State.of(loop, solver.model()))
        if found != z3.unsat:
            why = solver.reason_unknown()
            raise ProofError(f"{case.name}: {claim.what}: the solver does not know ({why})")
        solver.pop()
    solver.pop()
