"""A walk through one loop says what a cache of all activations says."""

from __future__ import annotations

import numpy as np
import pytest

from looped import registry, study
from looped.artefact.embedding import embed
from looped.artefact.plan import CompiledMachine
from looped.errors import Source
from looped.study.parts import Group, Head, parts
from looped.study.walk import Walk, bits_of, phase_name
from tests.conftest import compiled

TWO_BY_TWO = """
.machine fleq
.side 2
        matmul A, B -> C
        halt
.matrix A 2x2
     1    2
     3    4
.matrix B 2x2
     5    6
     7    8
.zeros C 2x2
"""


def subleq() -> tuple[CompiledMachine, np.ndarray]:
    """mem[10] becomes 12 - 5."""
    machine = compiled("subleq", 16, 32)
    return machine, embed((9, 10, 6, 0, 0, 0, 0, 0, 0, 5, 12), machine.plan)


def walk(machine: CompiledMachine, x: np.ndarray) -> Walk:
    return Walk(machine, machine.model(), x)


def test_it_is_the_loop_that_a_cache_has() -> None:
    machine, x = subleq()
    seen, cache = walk(machine, x), study.run_with_cache(machine, x)
    cpu, columns = machine.plan.cpu, range(machine.plan.columns)
    for part in parts(machine.plan):
        if isinstance(part, Head):
            pattern = cache.head(part.name, part.block)
            attended = seen.attended(part, columns)
            assert [each.target for each in attended] == pattern.tolist()
            least = machine.plan.blocks[part.block].heads[part.index].margin
            assert all(each.margin >= least for each in attended)
            assert all(each.score == int(each.score) for each in attended)
        else:
            assert seen.fired(part, cpu) == cache.group(part.name, part.block).tolist()
    for phase in range(-1, seen.last_phase + 1):
        bits = bits_of(machine.plan, "pc", phase)
        if bits is not None and bits.whole:
            assert seen.value(bits, phase, cpu) == cache.word("pc", phase)
        named = cache._at(cache._stream(phase), 0).numpy()
        assert np.array_equal(seen.state(phase), named)


def test_a_subtraction() -> None:
    machine, x = subleq()
    seen, cpu = walk(machine, x), machine.plan.cpu
    heads = {part.name: part for part in parts(machine.plan) if isinstance(part, Head)}
    (mem_a,) = seen.attended(heads["mem_a"], [cpu])
    assert mem_a.target == 9 and mem_a.copied == {"value": 5}
    assert seen.changed(2) == [10] and seen.changed(0) == []
    (written,) = seen.attended(heads["write result"], [10])
    assert written.target == cpu and written.copied["result"] == 7
    assert seen.is_asked_by_cpu(heads["mem_b"]) and not seen.is_asked_by_cpu(heads["write result"])


def test_bits_that_a_lane_no_longer_holds() -> None:
    plan = compiled("subleq", 16, 32).plan
    assert bits_of(plan, "a", -1) is None
    whole, part = bits_of(plan, "a", 0), bits_of(plan, "a", 1)
    assert whole is not None and whole.whole and whole.bits == tuple(range(16))
    assert part is not None and not part.whole and part.bits == tuple(range(5))
    with pytest.raises(ValueError, match="no word is named 'nothing'"):
        bits_of(plan, "nothing", 0)
    assert [phase_name(n) for n in (-1, 0, 3)] == ["begin", "block 1 attention", "block 2 MLP"]


@pytest.mark.slow
def test_workers_see_different_columns() -> None:
    image = registry.assemble(Source("two.fleq", TWO_BY_TWO))
    machine = compiled("fleq", 32, 64, side=2).with_workers(4)
    first = walk(machine, embed(image.words, machine.plan, image.entry))
    seen = walk(machine, first.state(first.last_phase))
    head = next(part for part in parts(machine.plan) if isinstance(part, Head) and part.name == "x")
    targets = {each.target for each in seen.attended(head, machine.plan.cpus)}
    assert len(targets) == 2, "each row of A, for two workers: the second loop multiplies"
    group = next(part for part in parts(machine.plan) if isinstance(part, Group))
    assert all(set(seen.fired(group, cpu)) <= set(group.units) for cpu in machine.plan.cpus)
