"""A sum in slices is the sum of whole words, however many slices there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from looped.engines.lifted.carries import Carries
from looped.engines.lifted.code import Code
from looped.engines.lifted.conditions import Bit, Conditions
from tests import seeds
from tests.conftest import examples
from tests.engines.lifted.evaluate import evaluate
from tests.engines.lifted.lifts import lifted
from tests.engines.lifted.test_conditions import truth

BITS = 6

weights = st.dictionaries(st.integers(0, BITS - 1), st.sampled_from([-4, -2, -1, 1, 2, 3]))


def total(own: dict[Bit, int], ones: set[Bit]) -> int:
    return sum(weight for bit, weight in own.items() if bit in ones)


@given(inner=weights, at=st.integers(-9, 9), outer=weights, sign=st.sampled_from([-1, 1, 2]),
       least=st.integers(-9, 9))  # fmt: skip
def test_a_carry_is_the_sum_that_makes_it(
    inner: dict[int, int], at: int, outer: dict[int, int], sign: int, least: int
) -> None:
    carries, carry = Carries(), Bit(1, 0)
    below = {Bit(0, place): weight for place, weight in inner.items()}
    above = {Bit(0, place): weight for place, weight in outer.items()} | {carry: sign}
    carries.note(carry, below, at)
    found = carries.expanded(above, least)
    assert (found is None) == (sign == 2)
    for number in range(1 << BITS):
        ones = {Bit(0, place) for place in range(BITS) if number >> place & 1}
        if total(below, ones) >= at:
            ones.add(carry)
        if found is not None:
            assert carry not in found[0]
            assert (total(dict(found[0]), ones) >= found[1]) == (total(above, ones) >= least)


@examples(0.5)
@given(
    sizes=st.lists(st.integers(2, 9), min_size=2, max_size=5),
    minus=st.booleans(),
    top=st.data(),
    seed=st.integers(0, 1000),
)
def test_slices_are_one_sum(sizes: list[int], minus: bool, top: st.DataObject, seed: int) -> None:
    """The bit that the carry into the highest slice and its lower bits flip, as in an adder."""
    code, rng, width, count = Code(), seeds.rng(seed), sum(sizes), len(sizes)
    y, x, *carries = (code.emit("state", number=n) for n in range(count + 1))
    widths = {y: width, x: width} | dict.fromkeys(carries, 1)
    conditions = Conditions(code, widths)
    sums: list[tuple[dict[Bit, int], int]] = []
    start = 0
    for number, size in enumerate(sizes):
        own = {Bit(carries[number - 1], 0): 1} if number else {}
        for place in range(size):
            own[Bit(y, start + place)] = 1 << place
            own[Bit(x, start + place)] = -1 << place if minus else 1 << place
        sums.append((own, 1 if minus else 1 << size))
        if number < count - 1:
            conditions.carries.note(Bit(carries[number], 0), *sums[-1])
        start += size
    place = top.draw(st.integers(1, sizes[-1] - 1))
    start -= sizes[-1]
    own = {b: w for b, w in sums[-1][0].items() if b.place < start + place or b.value in carries}
    at = 1 if minus else 1 << place
    found = conditions.threshold(own, at)
    assert [i.operation for i in code.instructions].count("negative") == 0
    assert sum(i.operation in ("add", "sub") for i in code.instructions) <= 2
    for _ in range(20):
        state = [rng.choice([0, (1 << width) - 1, rng.getrandbits(width)]) for _ in range(2)]
        for form, least in sums[:-1]:
            held = [*state, *[0] * (count + 1 - len(state))]
            reached = sum(w * (held[b.value] >> b.place & 1) for b, w in form.items()) >= least
            state.append(int(reached))
        values = evaluate(code, state, [])
        assert values is not None
        expected = sum(w * (values[b.value] >> b.place & 1) for b, w in own.items()) >= at
        assert truth(found, values) == expected


def test_carries_of_what_is_gone_stay_as_they_are() -> None:
    code = Code()
    kept, gone, carry, other = (code.emit("ones", code.const(n)) for n in range(4))
    for lost, word in ((False, kept), (True, gone)):
        carries = Carries()
        carries.note(Bit(carry, 0), {Bit(word, 0): 1, Bit(word, 1): 2}, 2)
        carries.keep(code, [1.0, Bit(kept, 0), Bit(kept, 1), Bit(carry, 0)])
        found = carries.expanded({Bit(carry, 0): 1, Bit(other, 2): 1}, 1)
        assert (found is None) == lost


def test_a_word_of_two_slices_is_one_word() -> None:
    found = lifted("subleq", 32)
    assert list(found.words[0]) == sorted(found.words[0])
    assert list(found.packed) == sorted(found.packed)
    assert len(found.words[0]) == len(found.packed) == 32
    assert sum(i.operation == "sub" for i in found.code.instructions) == 1
