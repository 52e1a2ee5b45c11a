"""What holds between two loops: in the first state, and after a loop if it held before.

These are statements about the circuit alone. That weights do what the circuit says is claimed
elsewhere, from states in which the invariants hold; so both go from loop to loop together.
"""

from __future__ import annotations

from collections.abc import Iterator

from looped.artefact.embedding import embed
from looped.circuit.circuit import Invariant, Write
from looped.circuit.signals import Condition
from looped.circuit.words import ONE, Form, Lane
from looped.diagrams import Diagrams, TooLarge
from looped.passes.allocate import VALUE
from looped.verify.certificate.claims import THROUGH, Claim
from looped.verify.certificate.meaning import Meaning
from looped.verify.certificate.reachable import possible
from looped.verify.certificate.subject import Subject

__all__ = ["invariant_claims"]


def invariant_claims(subject: Subject) -> Iterator[Claim]:
    """A claim for each invariant of the circuit, and one about a register that stays zero."""
    start = _first_state(subject)
    for invariant in subject.circuit.invariants:
        begins = _holds(invariant.condition, start)
        fault = None if begins else "it does not hold at the beginning"
        yield Claim(
            None, "registers",
            f"{invariant.name}: where a program begins within memory, and so after every loop",
            THROUGH, 1, fault or _broken(subject, invariant),
        )  # fmt: skip
    if subject.circuit.zero_register:
        faults = [_first_register(subject), *(_spoilt(subject, w) for w in subject.circuit.writes)]
        yield Claim(
            None, "x0", "is zero at the beginning, and nothing is ever written to it",
            THROUGH, len(faults), next((f for f in faults if f), None),
        )  # fmt: skip


def _first_state(subject: Subject) -> dict[Lane, int]:
    """What the lanes of registers hold before a program begins, lanes of its entry left out."""
    plan = subject.plan
    cpu = embed((), plan)[plan.cpu]
    held = {ONE: 1}
    for register in subject.circuit.registers:
        places = plan.words[register.name]
        held |= {lane: int(cpu[i]) for lane, i in zip(register.word, places, strict=True)}
    for lane in _entry(subject):
        del held[lane]
    return held


def _entry(subject: Subject) -> Iterator[Lane]:
    """The lanes of `pc` that may be ones where a program begins: it begins within memory."""
    pc = next(r.word for r in subject.circuit.registers if r.name == "pc")
    asked = {lane for read in subject.circuit.reads for lane in read.lanes()}
    top = max((i for i, lane in enumerate(pc) if lane in asked), default=len(pc) - 1)
    yield from pc.lanes[: top + 1]


def _holds(condition: Condition, lanes: dict[Lane, int]) -> bool:
    """Whether a condition holds for all signs of the lanes that are not given."""
    unknown = sum(abs(c) for lane, c in condition.form.terms.items() if lane not in lanes)
    known = sum(c * lanes[lane] for lane, c in condition.form.terms.items() if lane in lanes)
    return condition.form.constant + known - unknown >= condition.threshold


def _broken(subject: Subject, invariant: Invariant) -> str | None:
    """Whether an invariant may not hold after a loop in which it held before."""
    meaning = Meaning(Diagrams(), {})
    becomes = {
        old: new
        for register in subject.circuit.registers
        for old, new in zip(register.word, register.following or register.word, strict=True)
    }
    form = invariant.condition.form
    terms = {becomes.get(lane, lane): factor for lane, factor in form.terms.items()}
    after = meaning.condition(Condition(Form(terms, form.constant), invariant.condition.threshold))
    return _possibly(subject, meaning, meaning.space.negated(after), "it may not hold after a loop")


def _first_register(subject: Subject) -> str | None:
    plan = subject.plan
    first = embed((), plan)[plan.memory, list(plan.words[VALUE])]
    return "it is not zero at the beginning" if (first > 0).any() else None


def _spoilt(subject: Subject, write: Write) -> str | None:
    """Whether a write may go to register 0."""
    if write.file is None:
        return None
    meaning = Meaning(Diagrams(), {})
    space = meaning.space
    hit = space.one
    for lane in (*write.file, *(write.when or ())):
        hit = space.times(hit, meaning.lane(lane))
    for lane in write.address:
        hit = space.times(hit, space.negated(meaning.lane(lane)))
    return _possibly(subject, meaning, hit, f"`{write.name}` may go there")


def _possibly(subject: Subject, meaning: Meaning, condition: int, fault: str) -> str | None:
    try:
        return fault if possible(subject, meaning, condition) else None
    except TooLarge as error:
        return f"{fault}: {error}"
