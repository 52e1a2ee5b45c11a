"""The FLEQ reference against exact rationals, and each rule of docs/fleq.md once, in the open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.isa.fleq import FUNCTIONS, Operation, Selector, encode
from looped.reference.fleq import Fleq
from looped.trace import Access, Step
from tests.conftest import examples
from tests.reference.rationals import NUMBERS, Instruction, Shape, after

ONE = 1 << 16
MOST, LEAST = (1 << 31) - 1, -(1 << 31)
ZERO, ROW, COLUMN, TERM = Selector
HERE = (ROW, COLUMN)

FORMATS = [(32, 16), (32, 20), (32, 12), (64, 48), (40, 16)]
SIDES = {2: 64, 4: 64, 8: 128, 16: 512}


def fleq(
    words: list[int], memory: int = 128, side: int = 8, workers: int = 1, width: int = 32
) -> Fleq:
    values = [word % (1 << width) for word in words]
    return Fleq(values, width, memory, side=side, workers=workers)


def program(operation: Operation, *words: int, data: dict[int, int] | None = None) -> list[int]:
    """One instruction at 0, the words after its op word as they come, and data."""
    result = [encode(operation), *words, *[0] * (5 - len(words))] + [0] * 122
    for address, number in (data or {}).items():
        result[address] = number
    return result


def corner_words(width: int, fraction: int) -> st.SearchStrategy[int]:
    one, half = 1 << fraction, 1 << width - 1
    corners = [0, 1, -1, 2, one, -one, one - 1, one + 1, one // 2, -one // 2, half - 1, -half]
    near = st.integers(-4 * one, 4 * one)
    anything = st.integers(-half, half - 1)
    numbers = st.one_of(st.sampled_from(corners), near, anything)
    return numbers.map(lambda n: n % (1 << width))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Instruction, list[int], Shape]:
    """An instruction at 0 in a memory of corner words, that does not write on itself."""
    width, fraction = draw(st.sampled_from(FORMATS))
    side = draw(st.sampled_from(sorted(SIDES)))
    memory = SIDES[side]
    most = 2 * side.bit_length() - 2
    workers = 1 << draw(st.integers(0, most))
    sizes = st.integers(1, side)
    area = side * side
    addresses = st.one_of(st.integers(0, memory - 1), st.integers(memory - area, memory + 40))
    c = draw(st.integers(6, memory - area)) + draw(st.sampled_from([0, memory]))
    a, b, flag = draw(addresses), draw(addresses), draw(addresses)
    if draw(st.booleans()):  # near the result: overlaps
        a, b = c + draw(st.integers(-side, side)), c + draw(st.integers(-side, side))
    instruction = Instruction(
        draw(st.sampled_from(sorted(NUMBERS))),
        draw(st.tuples(*[st.integers(0, 3)] * 4)),
        *(draw(sizes), draw(sizes), draw(sizes)),
        draw(st.booleans()),
        (a, b, c, flag),
        draw(st.integers(0, 4 * memory)),
    )
    data = st.lists(corner_words(width, fraction), min_size=8, max_size=8)
    values = draw(data)
    order = draw(st.randoms(use_true_random=False))
    words = instruction.words + [order.choice(values) for _ in range(memory - 6)]
    return instruction, words, Shape(width, fraction, side, workers)


@given(cases())
@examples(4)
def test_an_instruction_equals_exact_arithmetic(
    case: tuple[Instruction, list[int], Shape],
) -> None:
    instruction, words, shape = case
    machine = Fleq(
        words,
        shape.width,
        len(words),
        fraction=shape.fraction,
        side=shape.side,
        workers=shape.workers,
    )
    step = machine.step()
    memory, pc = after(instruction, words, shape)
    assert machine.memory == memory
    assert (step.pc, step.next_pc, machine.pc) == (0, pc, pc)
    assert machine.halted == (pc >= len(words))


def one(name: str, x: int, y: int = 0) -> int:
    """A function of two signed words, as a signed word."""
    m = fleq(program(Operation(name), 20, 21, 22, data={20: x, 21: y}))
    m.step()
    word = m.memory[22]
    return word - (1 << 32) if word >> 31 else word


@pytest.mark.parametrize(
    ("name", "x", "y", "result"),
    [
        ("add", MOST, 1, MOST),
        ("add", LEAST, -1, LEAST),
        ("sub", LEAST, 1, LEAST),
        ("sub", 0, LEAST, MOST),
        ("mul", 1, ONE // 2, 1),  # half a unit is rounded up
        ("mul", -1, ONE // 2, 0),
        ("mul", 1, ONE // 2 - 1, 0),
        ("mul", LEAST, LEAST, MOST),
        ("mul", LEAST, MOST, LEAST),
        ("div", 7 * ONE, -2 * ONE, -7 * ONE // 2),
        ("div", -1, 2 * ONE, 0),  # towards zero
        ("div", 5, 0, MOST),
        ("div", 0, 0, MOST),
        ("div", -5, 0, LEAST),
        ("div", LEAST, 1, LEAST),
        ("div", LEAST, -1, MOST),
        ("div", LEAST, -ONE, MOST),
        ("rem", 7, 4, 3),
        ("rem", -7, 4, -3),
        ("rem", 7, -4, 3),
        ("rem", -7, 0, -7),
        ("rem", LEAST, -1, 0),
        ("sqrt", 2 * ONE, 0, 92681),
        ("sqrt", 0, 0, 0),
        ("sqrt", LEAST, 0, 0),
        ("sqrt", 1, 0, 256),
        ("sqrt", MOST, 0, 11863283),
        ("relu", -1, 0, 0),
        ("relu", MOST, 0, MOST),
        ("copy", LEAST, 0, LEAST),
        ("sigmoid", 0, 0, ONE // 2 - 1),
        ("sigmoid", LEAST, 0, 0),
        ("sigmoid", MOST, 0, ONE),
        ("exp", 0, 0, ONE + 6),
        ("exp", LEAST, 0, 0),
        ("exp", MOST, 0, MOST),
        ("sin", 0, 0, -5),
    ],
)
def test_functions_at_their_edges(name: str, x: int, y: int, result: int) -> None:
    assert one(name, x, y) == result


def test_a_sum_of_products_is_rounded_once_and_holds_any_number_of_them() -> None:
    halves = {20 + k: 1 for k in range(8)} | {30 + k: ONE // 4 for k in range(8)}
    operation = Operation("mul", (ZERO, TERM), (ZERO, TERM), inner=8)
    m = fleq(program(operation, 20, 30, 50, data=halves))
    m.step()
    assert m.memory[50] == 2  # eight quarters of a unit; each alone would be rounded to 0
    large = {20 + k: (LEAST if k < 7 else 0) for k in range(8)} | {27: LEAST}
    large |= {30 + k: (LEAST if k % 2 else MOST) for k in range(8)}
    m = fleq(program(operation, 20, 30, 50, data=large))
    m.step()
    assert m.memory[50] == 4 << 15  # 4 · 2^31 · (2^31 - (2^31 - 1)) · 2^-16


@pytest.mark.parametrize("number", sorted(set(range(32)) - {f.number for f in FUNCTIONS.values()}))
def test_an_unknown_function_traps(number: int) -> None:
    m = fleq([number | 1 << 25, 7, 7, 7, 7, 0, 1, 99])
    before = list(m.memory)
    assert m.step() == Step(0, 0, cause=2)
    assert m.halted and (m.trap, m.cause) == (1, 2) and m.memory == before


def test_bits_above_the_op_word_do_not_count() -> None:
    m = fleq(program(Operation("copy"), 20, 0, 22, data={20: 5}))
    m.memory[0] |= 0b111111 << 26
    m.step()
    assert m.memory[22] == 5


@pytest.mark.parametrize(
    ("flag", "taken"), [(0, True), (-1, True), (LEAST, True), (1, False), (MOST, False)]
)
def test_a_branch_is_taken_if_the_flag_is_zero_or_negative(flag: int, taken: bool) -> None:
    m = fleq(program(Operation("copy", judge=True), 20, 0, 21, 22, 60, data={20: 3, 22: flag}))
    step = m.step()
    assert step.next_pc == (60 if taken else 6)
    assert step.reads == (Access(20, 3), Access(22, flag % (1 << 32)))


def test_a_flag_is_read_after_the_result_is_stored() -> None:
    m = fleq(program(Operation("sub", judge=True), 20, 21, 22, 22, 60, data={20: 1, 21: 1, 22: 9}))
    assert m.step().next_pc == 60


def test_without_a_branch_the_flag_is_not_read() -> None:
    m = fleq(program(Operation("copy"), 20, 0, 21, 22, 60))
    step = m.step()
    assert step.next_pc == 6 and step.reads == (Access(20, 0),)


@pytest.mark.parametrize(("target", "pc"), [(-1, 255), (128, 128), (256, 0), (300, 44)])
def test_the_program_counter_has_one_bit_more_than_an_address(target: int, pc: int) -> None:
    m = fleq(program(Operation("copy", judge=True), 20, 0, 20, 20, target))
    m.step()
    assert m.pc == pc and m.halted == (pc >= 128)


def test_the_end_of_memory_halts_and_the_last_instruction_may_wrap() -> None:
    m = fleq([0] * 128)
    m.pc = 124
    words = [encode(Operation("add")), 20, 21, 22]
    m.memory[124:], m.memory[20], m.memory[21] = words, 1, 2
    step = m.step()
    assert m.memory[22] == 3 and step.next_pc == 130 and m.halted


def test_addresses_are_the_low_bits() -> None:
    m = fleq(program(Operation("copy"), 128 + 20, 0, -1, data={20: 7}))
    assert m.step().writes == (Access(127, 7),)
    m = fleq(program(Operation("copy", HERE, rows=2, cols=2), 20, 0, 119, data={20: 1, 29: 4}))
    assert [w.address for w in m.step().writes] == [119, 120, 127, 0]


def test_sizes_count_modulo_the_side() -> None:
    operation = Operation("copy", HERE, rows=10, cols=9)  # 2 and 1 with a side of 8
    m = fleq(program(operation, 20, 0, 60))
    assert [w.address for w in m.step().writes] == [60, 68]


SHIFT_DOWN = Operation("copy", HERE, rows=3, cols=4)
ROWS = {40: 1, 48: 2, 56: 3, 64: 4}


@pytest.mark.parametrize(
    ("workers", "column"),
    [(1, [1, 1, 1, 1]), (4, [1, 1, 1, 1]), (8, [1, 1, 1, 1]), (16, [1, 1, 2, 2]),
     (32, [1, 1, 2, 3]), (64, [1, 1, 2, 3])],
)  # fmt: skip
def test_reads_of_a_group_come_before_its_writes(workers: int, column: list[int]) -> None:
    """Rows 0 to 2 are copied one row down, onto themselves."""
    m = fleq(program(SHIFT_DOWN, 40, 0, 48, data=ROWS), workers=workers)
    m.step()
    assert [m.memory[40 + 8 * i] for i in range(4)] == column


@pytest.mark.parametrize(
    ("workers", "row"),
    [(1, [1, 1, 1, 1, 1]), (2, [1, 1, 2, 2, 4]), (4, [1, 1, 2, 3, 4]), (8, [1, 1, 2, 3, 4])],
)
def test_a_group_may_be_a_part_of_a_row(workers: int, row: list[int]) -> None:
    """Four numbers are copied one place on, onto themselves."""
    data = {40 + j: j + 1 for j in range(5)}
    m = fleq(program(Operation("copy", HERE, cols=4), 40, 0, 41, data=data), workers=workers)
    m.step()
    assert m.memory[40:45] == row


def test_each_group_fetches_the_instruction_again() -> None:
    """The first element turns the op word into one of `sub`; the second one is subtracted."""
    changed = encode(Operation("sub", HERE, HERE, cols=2))
    words = program(
        Operation("add", HERE, HERE, cols=2), 20, 30, 0, data={20: changed, 21: 9, 31: 4}
    )
    m = fleq(words)
    m.step()
    assert m.memory[0] == changed and m.memory[1] == 5
    m = fleq(words, workers=2)
    m.step()
    assert m.memory[0] == changed and m.memory[1] == 13


def test_a_group_that_fetches_an_unknown_function_traps() -> None:
    m = fleq(program(Operation("copy", HERE, cols=2), 20, 0, 0, data={20: 31, 21: 9}))
    assert m.step() == Step(0, 0, (Access(20, 31),), (Access(0, 31),), cause=2)
    assert m.halted


@pytest.mark.parametrize("workers", [1, 2, 8, 64])
def test_the_last_group_decides_whether_the_branch_is_judged(workers: int) -> None:
    """It stores an op word whose judge bit is set over its own; nothing fetches that one."""
    judged = encode(Operation("copy", HERE, judge=True))
    m = fleq(program(Operation("copy", HERE), 20, 0, 0, 22, 60, data={20: judged}), workers=workers)
    assert m.step().next_pc == 6 and m.memory[0] == judged


def test_flag_and_target_are_fetched_after_the_result_is_stored() -> None:
    operation = Operation("copy", HERE, cols=2, judge=True)
    m = fleq(program(operation, 20, 0, 4, 22, 60, data={20: 23, 21: 66, 22: 1}))
    assert m.step().next_pc == 66


def test_printing_is_row_by_row_whatever_the_workers() -> None:
    data = {20: ONE, 21: -ONE // 2, 28: 1, 29: MOST}
    for workers in (1, 2, 8, 16, 64):
        m = fleq(program(Operation("print", HERE, rows=2, cols=2), 20, data=data), workers=workers)
        step = m.step()
        assert step.output == b"1 -0.5\n0.00002 32767.99998\n" == bytes(m.output)
        assert step.writes == () and [r.address for r in step.reads] == [20, 21, 28, 29]


def test_a_step_tells_every_access_in_order() -> None:
    data = {20: ONE, 21: 2 * ONE, 40: 3 * ONE, 48: 4 * ONE}
    operation = Operation("mul", (ROW, TERM), (TERM, COLUMN), inner=2)
    m = fleq(program(operation, 20, 40, 60, data=data))
    reads = (Access(20, ONE), Access(40, 3 * ONE), Access(21, 2 * ONE), Access(48, 4 * ONE))
    assert m.step() == Step(0, 6, reads, (Access(60, 11 * ONE),))


def test_a_function_of_one_operand_reads_no_other() -> None:
    for name, function in FUNCTIONS.items():
        m = fleq(program(Operation(name), 20, 21, 22))
        assert len(m.step().reads) == function.arity, name
