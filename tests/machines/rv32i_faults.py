"""Forty wrong RV32I machines: the description with one slip each, in words and as a patch of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from looped.compiler.compiled import CompiledMachine
from looped.compiler.emit import compile_circuit
from looped.compiler.signals import Gated, Signal, Value, literal
from looped.compiler.words import Word, bit, constant
from looped.machines.rv32i import adder, control, decode, execute, machine

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


def _table(name: str, **entries: tuple[str, ...]) -> Callable[[Patch], None]:
    """Other entries in a table of the decoder; underscores stand for blanks."""

    def apply(patch: Patch) -> None:
        for key, mnemonics in entries.items():
            patch.setitem(getattr(decode, name), key.replace("_", " "), mnemonics)

    return apply


def _immediate(format: str, change: Callable[[list[Any]], list[Any]]) -> Callable[[Patch], None]:
    """The 32 bits of an immediate of a format, changed."""

    def wrong(right: Any, instruction: Word, name: str) -> Any:
        bits = right(instruction, name)
        return change(bits) if name == format else bits

    return _wrapped(decode, "_immediate", wrong)


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

    def wrong(right: Any, m: Any, instruction: Word, *rest: Any) -> Any:
        d = right(m, instruction, *rest)
        return dataclasses.replace(d, **change(d, instruction))

    return _wrapped(machine, "decode", wrong)


def _outcome(name: str, change: Callable[..., Any]) -> Callable[[Patch], None]:
    """A method or property of what becomes of an instruction."""
    right = getattr(control.Outcome, name)

    def apply(patch: Patch) -> None:
        if isinstance(right, property):
            assert right.fget is not None
            get = right.fget
            patch.setattr(control.Outcome, name, property(lambda self: change(get(self), self)))
        else:
            patch.setattr(control.Outcome, name, lambda self, *a: change(right(self, *a), self, *a))

    return apply


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

    return _wrapped(machine, "adder", wrong)


def _swapped(right: Any, d: Any, place: Word, word: Word, *rest: Any) -> Any:
    return right(d, place, _lanes(word, *range(16), *range(24, 32), *range(16, 24)), *rest)


def _half_by_bit_0(right: Any, d: Any, place: Word, *rest: Any) -> Any:
    return right(d, _OtherSlice(place, slice(1, None), place[:1]), *rest)


def _six_bits(right: Any, m: Any, d: Any, x: Word, y: Word) -> Any:
    return right(m, d, x, _OtherSlice(y, slice(2, 5), y[2:6]))


def _steps(name: str, unit: int, lost: int) -> Callable[[Patch], None]:
    """Shifts of a direction without one of the amounts that a block tells apart."""

    def wrong(right: Any, direction: str, limit: int, step: int) -> Any:
        steps = right(direction, limit, step)
        return [s for s in steps if (direction, step, abs(s)) != (name, unit, lost)]

    return _wrapped(execute, "_steps", wrong)


def _filled_late(right: Any, d: Any, x: Word, amount: Word) -> Any:
    value = right(d, x, amount)
    return Value((*value.signals[:1], *value.signals[:-1]))


def _odd_jump(value: Value, outcome: Any) -> Value:
    lanes = outcome.pc[0], outcome.target[0]
    jump = Gated(outcome._goes_off, bit(lanes[1]) - bit(lanes[0]))
    return _signals(value, at0=Signal(bit(lanes[0]), (jump,)))


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
    "ECALL and EBREAK are exchanged": _table("_REFINEMENTS", ecall=("ebreak",), ebreak=("ecall",)),
    "LBU extends the sign": _table("_REFINEMENTS", lb=("lb", "lbu")),
    "LH does not extend the sign": _table("_REFINEMENTS", lh=()),
    "SRAI shifts in zeros": _table("_REFINEMENTS", arithmetic=("sra",)),
    "XOR is OR": _table("_REFINEMENTS", xor=("xori",)),
    "a misaligned LW is not noticed": _table("_REFINEMENTS", word_access=("sw",)),
    "a misaligned SH is not noticed": _table("_REFINEMENTS", wide_access=("lh", "lhu", "lw", "sw")),
    "SLTIU is signed": _table("KINDS", slt=("slt", "slti", "sltiu"), sltu=("sltu",)),
    "BEQ and BNE are exchanged": _table("KINDS", beq=("bne",), bne=("beq",)),
    "BGE and BGEU are exchanged": _table("KINDS", bge=("bgeu",), bgeu=("bge",)),
    "BLT is unsigned": _table("KINDS", blt=(), bltu=("blt", "bltu")),
    "signed comparisons look at no sign": _comparison(signed="unsigned"),
    "a subtraction lacks its carry": _wrapped(machine, "adder", lambda right, m, name, x, y, carry:
        right(m, name, x, y, _NO)),
    "no carry into the upper half": _wrapped(adder, "slice_sum", lambda right, x, y, carry:
        right(x, y, _NO if len(x) < 16 else carry)),
    "a shift by 32 gives zero": _wrapped(machine, "shift", _six_bits),
    "a left shift by 28 and more gives zero": _steps("left", 4, 28),
    "a right shift by less than 4 gives zero": _steps("right", 4, 0),
    "SRA fills one place too few": _wrapped(execute, "_fill", _filled_late),
    "loads exchange bytes 2 and 3": _wrapped(machine, "load", _swapped),
    "SH goes to the lower half": _wrapped(machine, "store", _half_by_bit_0),
    "LH reads the lower half": _wrapped(machine, "load", _half_by_bit_0),
    "x0 is written": _wrapped(decode, "total", lambda right, word: right(word) + 1),
    "stores take rs1": _decoded(lambda d, instruction: {"rs2": instruction[15:20]}),
    "memory is taken for twice its size": _wrapped(machine, "beyond", lambda right, a, o, bits, w:
        right(a, o, bits + 1, w)),
    "JALR keeps bit 0": _outcome("next_pc", _odd_jump),
    "a jump to half a word is made": _outcome("_goes_off", lambda right, o: literal(o.taken)),
    "the last word of memory does not end it": _outcome("_strays", lambda right, o: right[1:]),
}.items())  # fmt: skip
"""Every fault makes a machine that can be built; some instruction or trap of it is wrong."""
