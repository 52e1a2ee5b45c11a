"""Forty wrong RV32I machines: the description with one slip each, in words and as a patch of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from looped.artefact.plan import CompiledMachine
from looped.circuit.signals import Gated, Signal, Value, literal
from looped.circuit.words import Word, bit, constant
from looped.machines.rv32i import (
    adder,
    alu,
    control,
    core,
    decode,
    immediates,
    load_store,
    machine,
    shifter,
)
from looped.machines.rv32i.kinds import KINDS, REFINEMENTS, Kind
from looped.machines.rv32i.places import Places
from looped.passes.emit import compile_circuit

__all__ = ["FAULTS", "Fault"]

Patch = pytest.MonkeyPatch


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and the patch that makes it so."""

    name: str
    apply: Callable[[Patch], None]

    def machine(self, words: int) -> CompiledMachine:
        """The weights of the wrong machine. What it no longer uses may be left over."""
        with pytest.MonkeyPatch.context() as patch:
            self.apply(patch)
            return compile_circuit(machine.describe(32, words.bit_length() - 1))


def _wrapped(module: Any, name: str, change: Callable[..., Any]) -> Callable[[Patch], None]:
    """A function of the description that is given to `change` before its own arguments."""
    right = getattr(module, name)

    def apply(patch: Patch) -> None:
        patch.setattr(module, name, lambda *arguments, **named: change(right, *arguments, **named))

    return apply


def _table(
    table: dict[Kind, tuple[str, ...]], entries: dict[Kind, tuple[str, ...]]
) -> Callable[[Patch], None]:
    """Other entries in a table of the decoder."""

    def apply(patch: Patch) -> None:
        for kind, mnemonics in entries.items():
            patch.setitem(table, kind, mnemonics)

    return apply


def _immediate(format: str, change: Callable[[list[Any]], list[Any]]) -> Callable[[Patch], None]:
    """The 32 bits of an immediate of a format, changed."""

    def wrong(right: Any, instruction: Word, name: str) -> Any:
        bits = right(instruction, name)
        return change(bits) if name == format else bits

    return _wrapped(immediates, "_immediate", wrong)


def _exactly(mnemonic: str, mask: int) -> Callable[[Patch], None]:
    """Bits of an instruction's pattern that are not looked at."""
    match = decode.exactly(mnemonic)[0][1]

    def wrong(right: Any, *mnemonics: str) -> Any:
        patterns = right(*mnemonics)
        if mnemonic not in mnemonics:
            return patterns
        return [(m & ~mask, v & ~mask) if match & m == v else (m, v) for m, v in patterns]

    return _wrapped(decode, "exactly", wrong)


def _decoded(change: Callable[[Any, Word], dict[str, Any]]) -> Callable[[Patch], None]:
    """Fields of what is decoded, from the right ones and the instruction."""

    def wrong(right: Any, m: Any, inputs: decode.DecodeInputs, *rest: Any) -> Any:
        d = right(m, inputs, *rest)
        return dataclasses.replace(d, **change(d, inputs.instruction))

    return _wrapped(core, "decode", wrong)


def _signals(value: Value, **others: Signal) -> Value:
    """A value with other signals in some places (`at3` is bit 3)."""
    places = {int(key.removeprefix("at")): signal for key, signal in others.items()}
    return Value(tuple(places.get(i, signal) for i, signal in enumerate(value.signals)))


def _lanes(word: Word, *order: int) -> Word:
    """A word of some lanes of another."""
    return Word(word.name, tuple(word.lanes[i] for i in order))


class _OtherSlice(Word):
    """A word one slice of which is another word."""

    def __new__(cls, word: Word, wanted: slice, instead: Word) -> _OtherSlice:
        return object.__new__(cls)

    def __init__(self, word: Word, wanted: slice, instead: Word) -> None:
        super().__init__(word.name, word.lanes)
        object.__setattr__(self, "_wanted", wanted)
        object.__setattr__(self, "_instead", instead)

    def __getitem__(self, key: Any) -> Any:
        return self._instead if key == self._wanted else super().__getitem__(key)


def _comparison(**fields: str) -> Callable[[Patch], None]:
    """Fields of the adder of results that are another field of it."""

    def wrong(right: Any, m: Any, name: str, *rest: Any) -> Any:
        result = right(m, name, *rest)
        others = {field: getattr(result, other) for field, other in fields.items()}
        return dataclasses.replace(result, **others) if name == "sum" else result

    return _wrapped(alu, "adder", wrong)


def _swapped(right: Any, d: Any, place: Word, word: Word, *rest: Any) -> Any:
    return right(d, place, _lanes(word, *range(16), *range(24, 32), *range(16, 24)), *rest)


def _half_by_bit_0(right: Any, d: Any, place: Word, *rest: Any) -> Any:
    return right(d, _OtherSlice(place, slice(1, None), place[:1]), *rest)


def _six_bits(right: Any, m: Any, d: Any, operands: Any) -> Any:
    y = operands.y
    wider = _OtherSlice(y[:5], slice(2, None), y[2:6])
    return right(m, d, dataclasses.replace(operands, y=_OtherSlice(y, slice(None, 5), wider)))


def _steps(name: str, unit: int, lost: int) -> Callable[[Patch], None]:
    """Shifts of a direction without one of the amounts that a block tells apart."""

    def wrong(right: Any, sign: int, limit: int, step: int) -> Any:
        steps = right(sign, limit, step)
        direction = "right" if sign > 0 else "left"
        return [s for s in steps if (direction, step, abs(s)) != (name, unit, lost)]

    return _wrapped(shifter, "_steps", wrong)


def _filled_late(right: Any, inputs: Any) -> Any:
    value = right(inputs)
    return Value((*value.signals[:1], *value.signals[:-1]))


def _odd_jump(right: Any, inputs: Any) -> Value:
    lanes = inputs.pc[0], inputs.target[0]
    jump = Gated(control.jumps(inputs), bit(lanes[1]) - bit(lanes[0]))
    return _signals(right(inputs), at0=Signal(bit(lanes[0]), (jump,)))


_NO = constant(0)

FAULTS = tuple(Fault(name, apply) for name, apply in {
    "the I immediate has no sign": _immediate("I", lambda b: [*b[:12], *[_NO] * 20]),
    "the S immediate has no sign": _immediate("S", lambda b: [*b[:12], *[_NO] * 20]),
    "the B immediate has no sign": _immediate("B", lambda b: [*b[:13], *[_NO] * 19]),
    "the J immediate has no sign": _immediate("J", lambda b: [*b[:21], *[_NO] * 11]),
    "the B immediate has its sign as bit 11": _immediate("B", lambda b: [*b[:11], b[12], *b[12:]]),
    "the B immediate lacks bit 5": _immediate("B", lambda b: [*b[:5], _NO, *b[6:]]),
    "the J immediate lacks bit 11": _immediate("J", lambda b: [*b[:11], _NO, *b[12:]]),
    "the S immediate has bit 3 twice": _immediate("S", lambda b: [*b[:4], b[3], *b[5:]]),
    "LUI and AUIPC are one bit off": _immediate("U", lambda b: [_NO, *b[:-1]]),
    "FENCE takes any funct3": _exactly("fence", 0x7000),
    "SLLI takes any funct7": _exactly("slli", 0xFE000000),
    "SRA takes any funct7 with bit 30": _exactly("sra", 0xBE000000),
    "JALR takes any funct3": _exactly("jalr", 0x7000),
    "ECALL and EBREAK are exchanged": _table(
        REFINEMENTS, {Kind.ECALL: ("ebreak",), Kind.EBREAK: ("ecall",)}),
    "LBU extends the sign": _table(REFINEMENTS, {Kind.LB: ("lb", "lbu")}),
    "LH does not extend the sign": _table(REFINEMENTS, {Kind.LH: ()}),
    "SRAI shifts in zeros": _table(REFINEMENTS, {Kind.ARITHMETIC: ("sra",)}),
    "XOR is OR": _table(REFINEMENTS, {Kind.XOR: ("xori",)}),
    "a misaligned LW is not noticed": _table(REFINEMENTS, {Kind.WORD_ACCESS: ("sw",)}),
    "a misaligned SH is not noticed": _table(
        REFINEMENTS, {Kind.WIDE_ACCESS: ("lh", "lhu", "lw", "sw")}),
    "SLTIU is signed": _table(KINDS, {Kind.SLT: ("slt", "slti", "sltiu"), Kind.SLTU: ("sltu",)}),
    "BEQ and BNE are exchanged": _table(KINDS, {Kind.BEQ: ("bne",), Kind.BNE: ("beq",)}),
    "BGE and BGEU are exchanged": _table(KINDS, {Kind.BGE: ("bgeu",), Kind.BGEU: ("bge",)}),
    "BLT is unsigned": _table(KINDS, {Kind.BLT: (), Kind.BLTU: ("blt", "bltu")}),
    "signed comparisons look at no sign": _comparison(signed="unsigned"),
    "the carry of a subtraction is inverted": _wrapped(alu, "adder", lambda right, m, name, x, y, c:
        right(m, name, x, y, constant(1) - c)),
    "the carry into the upper half is inverted": _wrapped(adder, "slice_sum", lambda right, x, y, c:
        right(x, y, constant(1) - c if len(x) < 16 else c)),
    "a shift by 32 gives zero": _wrapped(core, "_shifter", _six_bits),
    "a left shift by 28 and more gives zero": _steps("left", 4, 28),
    "a right shift by less than 4 gives zero": _steps("right", 4, 0),
    "SRA fills one place too few": _wrapped(shifter, "_fill", _filled_late),
    "loads exchange bytes 2 and 3": _wrapped(load_store, "loaded", _swapped),
    "SH goes to the lower half": _wrapped(load_store, "stored", _half_by_bit_0),
    "LH reads the lower half": _wrapped(load_store, "loaded", _half_by_bit_0),
    "x0 is written": _wrapped(decode, "total", lambda right, word: right(word) + 1),
    "stores take rs1": _decoded(lambda d, instruction: {"rs2": instruction[15:20]}),
    "memory is taken for twice its size": _wrapped(Places, "differing", lambda right, *arguments:
        right(*arguments)[1:]),
    "JALR keeps bit 0": _wrapped(control, "next_pc", _odd_jump),
    "a jump to half a word is made": _wrapped(control, "jumps", lambda right, i: literal(i.taken)),
    "the last word of memory does not end it": _wrapped(control, "leaves_memory", lambda right, i:
        right(i)[1:]),
}.items())  # fmt: skip
"""Every fault makes a machine that can be built; some instruction or trap of it is wrong."""
