"""Baked programs: which words are instructions, and what cannot be baked."""

from __future__ import annotations

import pytest

import looped
from looped import api, registry
from looped.artefact.embedding import embed, memory_words
from looped.artefact.plan import CompiledMachine
from looped.engines.dense import DenseEngine
from looped.errors import CertificateError, CompileError
from looped.image import Image, Location
from looped.machines.subleq_code import read_code
from looped.passes.emit import compile_circuit
from looped.verify.lockstep import lockstep


def image(words: list[int], width: int = 16) -> Image:
    return Image("subleq", width, tuple(word % (1 << width) for word in words))


# 0: read a byte, 3: put it out, 6: count down, back to 0 while positive, 9: halt
ECHO_THREE = [-1, 21, 0, 21, -1, 0, 22, 23, 12, 24, 24, 0, 24, 24, -1, 0, 0, 0, 0, 0, 0, 0, 1, 3, 0]


def bake(program: Image, memory: int) -> CompiledMachine:
    machine = registry.machine("subleq")
    code = machine.read_code(program, memory)
    circuit = machine.circuit(program.width, memory, code)
    return compile_circuit(circuit, code.addresses)


@pytest.mark.parametrize(("width", "blocks"), [(8, 3), (16, 3), (32, 4)])
def test_a_baked_program_runs_like_the_reference(width: int, blocks: int) -> None:
    program = image(ECHO_THREE, width)
    compiled = bake(program, 32)
    assert len(compiled.plan.blocks) == blocks
    verdict = lockstep(compiled, DenseEngine(compiled), [program], [b"abcd"])
    assert verdict.halted and verdict.outputs == (b"abc",)


def test_its_memory_holds_only_data() -> None:
    program = image(ECHO_THREE)
    compiled = bake(program, 32)
    memory = memory_words(embed(program.words, compiled.plan), compiled.plan)
    assert memory[:15].tolist() == [0] * 15
    assert memory[21:25].tolist() == [0, 1, 3, 0]


def test_no_head_fetches_instructions() -> None:
    names = [head.name for block in bake(image(ECHO_THREE), 32).plan.blocks for head in block.heads]
    assert names == ["mem_a", "mem_b", "write result", "erase for result"]


def test_a_jump_reaches_its_target_only() -> None:
    code = read_code(image([9, 9, 6, 1, 2, 3, 9, 9, -1, 0]), 32)
    assert set(code.instructions) == {0, 6}
    assert code.addresses == frozenset({0, 1, 2, 6, 7, 8})


def test_code_that_is_also_read_stays_in_memory() -> None:
    code = read_code(image([0, 9, 3, 9, 9, -1]), 32)
    assert 0 not in code.addresses and 1 in code.addresses


def test_a_program_that_changes_itself_is_refused() -> None:
    places = tuple(Location("self.sasm", line) for line in (1, 1, 1, 2, 2, 2))
    program = Image("subleq", 16, (4, 5, 3, 9, 9, 65535), {}, places)
    with pytest.raises(CompileError) as caught:
        read_code(program, 32)
    assert caught.value.render() == (
        "error: the instruction at address 0 (self.sasm:1) writes to address 5 (self.sasm:2), "
        "which is an instruction too: a baked program cannot change itself\n"
        "hint: run it on the universal machine: leave out --bake"
    )


def test_input_into_an_instruction_is_refused_too() -> None:
    with pytest.raises(CompileError, match="writes to address 4"):
        read_code(image([-1, 4, 3, 9, 9, -1]), 32)


def later(entry: int) -> Image:
    """Puts out an A, from address 12 on; at 9 an instruction that jumps there."""
    words = [0] * 32
    words[9:12] = [21, 21, 12]
    words[12:18] = [20, 255, 15, 21, 21, 128]
    words[20] = 65
    return Image("subleq", 8, tuple(words), entry=entry)


@pytest.mark.parametrize("entry", [12, 9])
def test_a_baked_program_begins_at_its_entry(entry: int) -> None:
    program = later(entry)
    machine = looped.compile(program, bake=True)
    verdict = lockstep(machine, DenseEngine(machine), [program], [b""], steps=4)
    assert verdict.halted and verdict.outputs == (b"A",)
    assert api.certify(machine, program).certified("float32")


def test_a_baked_program_begins_nowhere_else() -> None:
    machine = looped.compile(later(12), bake=True)
    with pytest.raises(CompileError, match="baked for one that begins at 12"):
        lockstep(machine, DenseEngine(machine), [later(9)], [b""], steps=4)
    with pytest.raises(CertificateError, match="baked for another program"):
        api.certify(machine, later(9))
