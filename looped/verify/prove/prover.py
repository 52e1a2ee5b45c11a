"""The proof: the solver decides every case of a machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import z3

from looped import registry
from looped.circuit.circuit import Circuit
from looped.errors import ProofError
from looped.passes.fuse_reads import fuse_reads
from looped.symbolic.cases import Case
from looped.symbolic.lemmas import Name
from looped.symbolic.loop import Claim, Loop
from looped.verify.prove.counterexample import MachineState

__all__ = ["Proof", "Refuted", "Undecided", "prove"]

_SECONDS = 300
"""The solver's time for one claim. The longest, of a step of a quotient, takes 20."""


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
        raise ProofError(
            f"there is no proof for {machine.name}: {machine.why_no_proof}",
            hint=f"looped verify --fuzz 1000 --machine {machine.name} compares it at random",
        )
    began = time.perf_counter()
    loop = Loop(fuse_reads(circuit))
    shown = _Shown(loop, seconds)
    cases = claims = 0
    undecided: list[tuple[str, str]] = []
    for case in prover_cases(loop):
        note(case.name)
        undecided += ((case.name, claim) for claim in shown.case(case))
        cases, claims = cases + 1, claims + len(case.claims)
    if undecided:
        raise Undecided((*undecided,))
    return Proof(cases, claims, time.perf_counter() - began)


class _Shown:
    """What is known of a loop, in a solver: its facts; and, within a case, what is given there and
    the claims so far."""

    def __init__(self, loop: Loop, seconds: int) -> None:
        self._loop, self._seconds = loop, seconds
        self._solver = self._new_solver()
        self._facts: dict[int, z3.BoolRef] = {}
        self._read = 0

    def case(self, case: Case) -> list[str]:
        """Prove one claim after the other, each from the case and from those before it, or from its
        premises among these; returns those that the solver does not decide.

        Raises Refuted: a state that refutes a claim does so whether or not those before it are
        true. Raises ProofError for a premise that is not known.
        """
        new = self._loop.facts[self._read :]
        self._read += len(new)
        self._solver.add(*new)
        self._facts |= _by_identity(new)
        names = {name.word.get_id(): name for name in case.names}
        definitions = [name.holds for name in case.names]
        known = self._facts | _by_identity((*case.given, *case.aside, *definitions))
        self._solver.push()
        self._solver.add(*case.given)
        undecided = [] if self._has_a_state(case) else ["that a state is in it"]
        for claim in case.claims:
            if claim.holds.get_id() in known:
                continue
            if not self._follows(case, claim, known) and not self._holds(case, claim, names):
                undecided.append(claim.what)
            self._solver.add(claim.holds)
            known[claim.holds.get_id()] = claim.holds
        self._solver.pop()
        return undecided

    def _follows(self, case: Case, claim: Claim, known: Mapping[int, z3.BoolRef]) -> bool:
        """Whether a claim follows from its premises alone."""
        if claim.premises is None:
            return False
        for premise in claim.premises:
            if premise.get_id() not in known:
                raise ProofError(
                    f"{case.name}: {claim.what}: a premise is neither given nor shown before: "
                    f"{z3.simplify(premise)}"
                )
        solver = self._new_solver()
        solver.add(*claim.premises, z3.Not(claim.holds))
        return bool(solver.check() == z3.unsat)

    def _has_a_state(self, case: Case) -> bool:
        """Whether the solver finds a state in a case; raises ProofError if there is none, since all
        claims hold there."""
        found = self._check(*case.aside, *(name.holds for name in case.names))
        if found == z3.unsat:
            raise ProofError(f"{case.name}: no state is in this case")
        return bool(found == z3.sat)

    def _holds(self, case: Case, claim: Claim, names: Mapping[int, Name]) -> bool:
        """Whether a claim follows from all that is known."""
        aside = case.aside if claim.premises is not None else ()
        self._solver.push()
        self._solver.add(z3.Not(claim.holds), *aside, *_definitions((claim.holds, *aside), names))
        found = self._solver.check()
        if found == z3.sat:
            state = MachineState.of(self._loop, self._solver.model())
            raise Refuted(case.name, claim.what, state)
        self._solver.pop()
        return bool(found == z3.unsat)

    def _check(self, *conditions: z3.BoolRef) -> z3.CheckSatResult:
        self._solver.push()
        self._solver.add(*conditions)
        found = self._solver.check()
        self._solver.pop()
        return found

    def _new_solver(self) -> z3.Solver:
        solver = z3.SolverFor("QF_BV")
        solver.set("timeout", 1000 * self._seconds)
        return solver


def _definitions(terms: Iterable[z3.BoolRef], names: Mapping[int, Name]) -> list[z3.BoolRef]:
    """What the names in some terms stand for, and those in their definitions."""
    waiting: list[z3.AstRef] = [*terms]
    seen, found = set(), []
    while waiting:
        term = waiting.pop()
        if term.get_id() in seen:
            continue
        seen.add(term.get_id())
        waiting += term.children()
        if name := names.get(term.get_id()):
            found.append(name.holds)
            waiting.append(name.holds)
    return found


def _by_identity(terms: Iterable[z3.BoolRef]) -> dict[int, z3.BoolRef]:
    """Terms by the numbers that the solver gives to equal ones, which last as long as the terms."""
    return {term.get_id(): term for term in terms}
