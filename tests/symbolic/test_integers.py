"""Unknown integers are Python's integers, and no path through a function is left out."""

from __future__ import annotations

import operator

import pytest
import z3
from hypothesis import given
from hypothesis import strategies as st

from looped.errors import ProofError
from looped.symbolic.integers import Integer, Truth, as_term, same
from looped.symbolic.paths import Path, Paths

numbers = st.integers(-(1 << 34), 1 << 34)
BINARY = [operator.add, operator.sub, operator.mul, operator.and_, operator.or_, operator.xor]
RELATIONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


def known(number: int) -> Integer:
    """An integer of which it is known which one it is."""
    return Integer(as_term(number), Paths(()))


def number_of(value: Integer) -> int:
    return int(z3.simplify(value.term).as_signed_long())


@pytest.mark.parametrize("operation", BINARY)
@given(a=numbers, b=numbers)
def test_arithmetic_loses_nothing(operation, a: int, b: int) -> None:
    wanted = operation(a, b)
    for x, y in ((known(a), known(b)), (known(a), b), (a, known(b))):
        assert number_of(operation(x, y)) == wanted


@pytest.mark.parametrize("relation", RELATIONS)
@given(a=numbers, b=numbers)
def test_relations(relation, a: int, b: int) -> None:
    for y in (b, a, a + 1):
        for one, other in ((known(a), known(y)), (known(a), y), (a, known(y))):
            assert bool(relation(one, other)) is relation(a, y)


@given(numbers, st.integers(0, 40))
def test_shifts_negation_and_remainders(a: int, amount: int) -> None:
    assert number_of(known(a) >> amount) == a >> amount
    assert number_of(known(a) >> known(amount)) == a >> amount
    assert number_of(known(a) << amount) == a << amount
    assert number_of(known(a) << known(amount)) == a << amount
    assert 3 << known(amount) == 3 << amount
    assert (number_of(-known(a)), number_of(abs(known(a)))) == (-a, abs(a))
    assert number_of(known(a) % 64) == a % 64


@given(st.integers(-300, 300), st.integers(0, 255))
def test_a_word_is_its_unsigned_number_and_no_other(a: int, b: int) -> None:
    word = z3.BitVecVal(b, 8)
    assert z3.is_true(z3.simplify(same(a, word))) == (a == b)
    assert z3.is_true(z3.simplify(same(known(a), word))) == (a == b)


def sign(x: Integer) -> int:
    """Of a number from 0 to 7: zero, odd, or else."""
    match x & 3:
        case 0:
            return 0
        case 1 | 3:
            return 1 if x > 4 else -1
    return int(x == 2) + 5


def explored() -> tuple[object, list[Path]]:
    word = z3.BitVec("x", 3)
    paths = Paths(())
    return word, [*paths.explore(lambda: sign(Integer.unsigned(word, paths)))]


def test_paths_cover_everything_once() -> None:
    word, paths = explored()
    for number in range(8):
        taken = [
            path
            for path in paths
            if z3.is_true(
                z3.simplify(z3.substitute(z3.And(*path.conditions), (word, bits(number))))
            )
        ]
        assert [path.result for path in taken] == [sign(known(number))]


def bits(number: int) -> object:
    return z3.BitVecVal(number, 3)


def test_what_cannot_be_is_not_followed() -> None:
    word = z3.BitVec("x", 3)
    paths = Paths((z3.ULT(word, 2),))
    results = [p.result for p in paths.explore(lambda: sign(Integer.unsigned(word, paths)))]
    assert sorted(results) == [-1, 0]


def test_what_a_path_raises_is_told() -> None:
    word = z3.BitVec("x", 3)
    paths = Paths(())

    def risky() -> int:
        return 1 // int(Truth(word != 0, paths))

    found = [(path.result, type(path.error)) for path in paths.explore(risky)]
    assert found == [(1, type(None)), (None, ZeroDivisionError)]


@pytest.mark.parametrize("use", [int, bytes, lambda x: [1, 2][x], lambda x: hash(x)])
def test_an_unknown_integer_never_becomes_a_known_one_by_itself(use) -> None:
    with pytest.raises(TypeError):
        use(Integer(z3.BitVec("x", 3), Paths(())))


def test_what_is_not_known_of_integers_is_told_and_no_traceback() -> None:
    def step() -> object:
        return Integer.unsigned(z3.BitVec("x", 8), paths) % 3

    paths = Paths([])
    (path,) = paths.explore(step)
    assert isinstance(path.error, ProofError)
    assert str(path.error) == "the remainder of an unknown integer by 3"
