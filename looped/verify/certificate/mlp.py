"""What the MLP of a block does to every lane of every class of columns, for all states.

The CPU's lanes must become what the circuit defines, dead lanes -1, all others stay; in every other
column nothing may change. Both sides are functions of the same ±1 lanes, one from the rows of
W_gate, W_up and W_down, one from the description of the circuit, and equal only if identical.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from looped.circuit.signals import Signal
from looped.circuit.words import ONE, Lane
from looped.diagrams import Diagrams, TooLarge
from looped.verify.certificate.claims import DIAGRAMS, Claim
from looped.verify.certificate.columns import ColumnClass
from looped.verify.certificate.induction import Fixed, Held, Induction, Phase
from looped.verify.certificate.meaning import Meaning
from looped.verify.certificate.reachable import possible
from looped.verify.certificate.rows import BlockRows, Row
from looped.verify.certificate.steps import Affine, NotSteps, Product, evaluated
from looped.verify.certificate.subject import Subject, Tenants

__all__ = ["mlp_claims", "products"]


_OTHERS = "all other lanes"


def mlp_claims(subject: Subject, block: int, rows: BlockRows) -> Iterator[Claim]:
    """The claims about the MLP of a block, one for each word that it makes and each class."""
    faults: dict[str, list[str]] = {}
    for index, part, fault in _cpu_lanes(subject, 2 * block + 1, rows):
        found = faults.setdefault(part, [])
        found.append(f"{subject.plan.lane_name(index)}: {fault}" if fault else "")
    for part, found in faults.items():
        statement = "is what the circuit defines, and ±1"
        if part == _OTHERS:
            statement = "stay as they are, or go back to -1 when they are no longer used"
        yield _claim(block, part, statement, found)
    for columns in subject.classes:
        if not columns.is_cpu:
            found = [_untouched(rows, i, columns) for i in range(subject.plan.d_model)]
            yield _claim(block, f"columns {columns.name}", "are left alone", found)


def _cpu_lanes(
    subject: Subject, phase: int, rows: BlockRows
) -> Iterator[tuple[int, str, str | None]]:
    """For every lane of the CPU: the part of the claims that it belongs to, and what is wrong."""
    induction = Induction(subject)
    before = subject.alive(phase - 1)
    cpu = subject.cpu.with_free(frozenset(before))
    made = {Held(bit.lane): bit for bit in subject.schedule.bits.get(phase, [])}
    stated = (induction.at(Phase(p), subject.cpu) for p in (phase - 1, phase))
    for index, (old, new) in enumerate(zip(*stated, strict=True)):
        if isinstance(new, Held) and new in made:
            bit = made.pop(new)
            part = f"`{bit.lane.word.removeprefix('next ')}`"
            yield index, part, _made(subject, rows, index, cpu, before, bit.signal)
        elif new == old or isinstance(new, Fixed):
            sign = new.sign if isinstance(new, Fixed) else None
            yield index, _OTHERS, _kept(rows, index, cpu, before, sign)
        else:
            yield index, _OTHERS, "nothing makes what should be there"
    for lost in made.values():
        yield subject.layout.index[lost.lane], _OTHERS, f"`{lost.lane}` is made and not kept"


def _claim(block: int, part: str, statement: str, faults: list[str]) -> Claim:
    fault = next((f for f in faults if f), None)
    return Claim(block, f"MLP: {part}", statement, DIAGRAMS, len(faults), fault)


def products(rows: BlockRows, lane: int, columns: ColumnClass, names: Tenants) -> list[Product]:
    """The hidden units that add to a lane, over the free lanes of a class of columns."""
    return [
        Product(
            restricted(rows.gate[unit], columns, names),
            restricted(rows.up[unit], columns, names),
            factor,
        )
        for unit, factor in rows.down[lane].items()
        if rows.gate[unit] and rows.up[unit]
    ]


def restricted(row: Row, columns: ColumnClass, names: Mapping[int, Lane]) -> Affine:
    """A form on a class of columns: fixed lanes become part of the constant."""
    constant = sum(c * columns.fixed[lane] for lane, c in row.items() if lane in columns.fixed)
    terms = ((names.get(i, i), c) for i, c in row.items() if i not in columns.fixed)
    return Affine(tuple(terms), constant)


def _made(
    subject: Subject,
    rows: BlockRows,
    index: int,
    cpu: ColumnClass,
    before: Tenants,
    signal: Signal,
) -> str | None:
    """What is wrong with a lane that a definition makes, or None."""
    there = {ONE, *before.values()}
    missing = [lane for lane in signal.lanes() if lane not in there]
    if missing:
        return f"it needs `{missing[0]}`, which is not there"
    space = Diagrams()
    meaning = Meaning(space, {})
    try:
        meaning.arrange(signal)
        bit = meaning.signal(signal)
        expected = space.add(space.scaled(bit, 2), space.number(-1))
        found = space.add(_old(space, index, cpu, before), _change(space, rows, index, cpu, before))
        if found != expected:
            return _difference(space, found, expected)
        strays = space.negated(space.among(bit, (0, 1)))
        return "it is no bit" if possible(subject, meaning, strays) else None
    except (NotSteps, TooLarge) as error:
        return str(error)


def _old(space: Diagrams, index: int, columns: ColumnClass, names: Tenants) -> int:
    """What a lane holds before."""
    if index in columns.fixed:
        return space.number(columns.fixed[index])
    return space.affine([(space.variable(names.get(index, index)), 1)], 0)


def _change(
    space: Diagrams, rows: BlockRows, index: int, columns: ColumnClass, names: Tenants
) -> int:
    return evaluated(space, products(rows, index, columns, names))


def _difference(space: Diagrams, found: int, expected: int) -> str:
    wrong = space.negated(space.equals(found, expected))
    state = space.state(wrong)
    shown = ", ".join(f"{name} = {sign:+d}" for name, sign in list(state.items())[:6])
    return f"it is not what it should be where {shown or 'anything'}"


def _kept(
    rows: BlockRows, index: int, cpu: ColumnClass, before: Tenants, sign: int | None
) -> str | None:
    """What is wrong with a lane that nothing makes, of this sign or (None) as it was; or None."""
    space = Diagrams()
    try:
        old = _old(space, index, cpu, before)
        found = space.add(old, _change(space, rows, index, cpu, before))
    except (NotSteps, TooLarge) as error:
        return str(error)
    expected = old if sign is None else space.number(sign)
    return None if found == expected else _difference(space, found, expected)


def _untouched(rows: BlockRows, index: int, columns: ColumnClass) -> str:
    """What is wrong with a lane of a column that the MLP should leave alone, or nothing."""
    space = Diagrams()
    try:
        change = _change(space, rows, index, columns, {})
    except (NotSteps, TooLarge) as error:
        return str(error)
    return "" if change == space.zero else _difference(space, change, space.zero)
