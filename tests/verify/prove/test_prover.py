"""Claims that are not decided are named, and premises of a claim are proved before it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import z3

from looped import registry
from looped.errors import ProofError
from looped.symbolic.cases import Case
from looped.symbolic.lemmas import Name, lemma
from looped.symbolic.loop import Claim
from looped.verify.prove import prover

x, y = (z3.BitVec(name, 32) for name in "xy")
FACTORS = z3.And(z3.UGT(x, 1), z3.UGT(y, 1), z3.ZeroExt(32, x) * z3.ZeroExt(32, y) == 2**61 - 1)
HARD = Claim("no factors", z3.Not(FACTORS))


LOST = Claim("no bit is lost", z3.LShR(z3.ZeroExt(1, x) << 1, 1) == z3.ZeroExt(1, x))
ODD, SMALL = Claim("odd", x & 1 == 1), Claim("small", z3.ULT(x, 8))
SUM = z3.ULT(x + 1, 10)
DOUBLE = Name("double", x * 2)


def prove_cases(patch: pytest.MonkeyPatch, cases: list[Case]) -> prover.Proof:
    circuit = registry.machine("subleq").circuit(8, 32)
    described = SimpleNamespace(prover_cases=lambda loop: cases)
    patch.setattr(prover.registry, "machine", lambda name: described)
    return prover.prove(circuit, seconds=2)


def prove(patch: pytest.MonkeyPatch, claims: list[Claim], *given: z3.BoolRef) -> prover.Proof:
    return prove_cases(patch, [Case("any state", given, (*claims,))])


def test_what_follows_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(prover.Undecided, match="`no factors` in any state") as found:
        prove(monkeypatch, [HARD, LOST])
    assert found.value.claims == (("any state", "no factors"),)


def test_a_claim_follows_from_what_is_given_and_what_was_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claims = [SMALL, lemma("a small sum", SUM, SMALL), lemma("so it is", SUM, x == 5)]
    assert prove(monkeypatch, claims, x == 5).claims == 3


@pytest.mark.parametrize(
    "claims",
    [
        [lemma("a small sum", SUM, SMALL), SMALL],
        [lemma("a small sum", SUM, Claim("itself", SUM))],
        [lemma("one", x != 9, SMALL), lemma("the other", SMALL.holds, Claim("one", x != 9))],
        [SMALL, lemma("a small sum", SUM, Claim("of another word", z3.ULT(y, 8)), SMALL)],
    ],
    ids=["a later claim", "the claim itself", "a circle", "something else"],
)
def test_a_premise_that_is_not_shown_before_is_refused(
    claims: list[Claim], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although it is true in this case."""
    with pytest.raises(ProofError, match="a premise is neither given nor shown before"):
        prove(monkeypatch, claims, x == 5, y == x + 1)


def test_a_premise_of_another_case_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [Case("one", (x == 5,), (SMALL,)), Case("two", (), (lemma("sum", SUM, SMALL),))]
    with pytest.raises(ProofError, match="two: sum: a premise"):
        prove_cases(monkeypatch, cases)


@pytest.mark.parametrize(
    "wrong", [lemma("a sum", z3.ULT(x + 1, 5), SMALL), lemma("odd", x & 1 == 0, SMALL)]
)
def test_a_wrong_lemma_is_refuted(wrong: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(prover.Refuted, match=wrong.what):
        prove(monkeypatch, [SMALL, wrong], x == 5)


def test_a_claim_with_too_few_premises_is_shown_from_all_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert prove(monkeypatch, [SMALL, lemma("odd", ODD.holds, SMALL)], x == 5).claims == 2


@pytest.mark.parametrize(
    "case",
    [
        Case("no state", (ODD.holds, x & 1 == 0), (SMALL,)),
        Case("no state", (ODD.holds,), (SMALL,), aside=(x & 1 == 0,)),
        Case("no state", (), (SMALL,), (DOUBLE,), (DOUBLE.word & 1 == 1,)),
    ],
    ids=["given", "aside", "by a name"],
)
def test_a_case_without_a_state_is_refused(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any claim holds in it."""
    with pytest.raises(ProofError, match="no state: no state is in this case"):
        prove_cases(monkeypatch, [case])


def test_a_case_is_undecided_if_no_state_of_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(prover.Undecided) as found:
        prove_cases(monkeypatch, [Case("factors", (FACTORS,), ())])
    assert found.value.claims == (("factors", "that a state is in it"),)


def test_what_a_name_stands_for_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    fourfold = Name("fourfold", DOUBLE.word * 2)
    even = lemma("even", DOUBLE.word & 1 == 0, DOUBLE)
    four = Claim("four times", fourfold.word == x * 4)
    case = Case("any", (), (even, four), (DOUBLE, fourfold))
    assert prove_cases(monkeypatch, [case]).claims == 2


def test_what_a_name_stands_for_is_no_premise_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    even = lemma("even", DOUBLE.word & 1 == 0, DOUBLE)
    with pytest.raises(ProofError, match="a premise is neither given nor shown before"):
        prove_cases(monkeypatch, [Case("any", (), (even,))])


def test_a_name_is_new_and_excludes_no_state() -> None:
    one, other = (Name("x", word) for word in (x, y))
    assert not one.word.eq(other.word) and not one.word.eq(x)
    solver = z3.Solver()
    solver.add(one.holds, other.holds, x != y)
    assert solver.check() == z3.sat
