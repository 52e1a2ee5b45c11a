"""Vocabulary: the tokens, and how an image and a run become tokens.

A token is of a type and has a number. One instruction is one line of the text:

    [012] 00ff → 003        b v0 v1 p       mem[0x12] = 0xff, continue at 3
    H → 006                 out p           write the byte `H`, continue at 6
    [012] ? 0041 → 009      b ask v0 v1 p   input: the host appends the value after `?`
    [012] 0000 <halt>       b v0 v1 halt    the program counter is negative

p closes a record, and it is the memory cell with the address and the value before it. So a record
of output confirms the write before it. The prompt is a history of writes: lines of eight words,

    [008] 00ff⁰ 0003¹ …     b v0 w0 v0 w1   w is the last digit of a word and its column on the line

then one record that writes word 0 a second time and says where the program begins. Lines of zeros
are left out: a word that was never written is zero. With a window, each p is followed by a refresh,
which writes the word of the next address as it is:

      (013) (0041)          r u0 u1
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from looped.decoder.records import Kind, Record
from looped.decoder.spec import COLUMNS, Spec
from looped.errors import CompileError

__all__ = ["Vocabulary"]

_COLUMN_MARKS = "⁰¹²³⁴⁵⁶⁷"


class Vocabulary:
    """The tokens of a machine.

    `types` maps the name of a type to its tokens, in the order of their numbers: `program`, `halt`,
    `ask`, `out`, `b`, `v0` …, `p`, `w0` … `w7`, and with a window `r` and `u0` …
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        digits = range(spec.digits)
        counts = {"program": 1, "halt": 1, "ask": 1, "out": 256, "b": spec.memory}
        counts |= {f"v{k}": 256 for k in digits}
        counts |= {"p": 1 << spec.pc_bits}
        counts |= {f"w{column}": 256 for column in range(COLUMNS)}
        if spec.window is not None:
            counts |= {"r": spec.memory} | {f"u{k}": 256 for k in digits}
        self.types: dict[str, range] = {}
        self.size = 0
        for name, count in counts.items():
            self.types[name] = range(self.size, self.size + count)
            self.size += count
        self.first = {name: tokens.start for name, tokens in self.types.items()}
        self.begin, self.halt, self.ask = (self.first[n] for n in ("program", "halt", "ask"))

    def type_of(self, token: int) -> tuple[str, int]:
        """The type of a token, and its number."""
        for name, tokens in self.types.items():
            if token in tokens:
                return name, token - tokens.start
        raise IndexError(token)

    def bytes_of(self, word: int) -> list[int]:
        """The bytes of a word, the most significant first."""
        return list(word.to_bytes(self.spec.digits, "big"))

    def value(self, word: int, kind: str = "v") -> list[int]:
        """The tokens of a value; with kind `u`, those of a refresh."""
        return [self.first[f"{kind}{k}"] + byte for k, byte in enumerate(self.bytes_of(word))]

    def counter(self, pc: int) -> int:
        """The token of a program counter that is not negative.

        Raises CompileError if the machine keeps too few bits of it.
        """
        if pc >> self.spec.pc_bits:
            raise CompileError(
                f"the program jumps to {pc}, and the model has program counters below "
                f"{1 << self.spec.pc_bits}",
                hint="a causal machine runs programs whose program counter stays within memory",
            )
        return self.first["p"] + pc

    def record(self, record: Record) -> list[int]:
        """The tokens of a record. Raises CompileError as `counter` does."""
        end = [self.halt if record.pc is None else self.counter(record.pc)]
        if record.address is None:
            return [self.first["out"] + record.value, *end]
        asked = [self.ask] if record.kind is Kind.INPUT else []
        return [self.first["b"] + record.address, *asked, *self.value(record.value), *end]

    def refresh(self, address: int, word: int) -> list[int]:
        """The tokens that write a word as it is."""
        return [self.first["r"] + address, *self.value(word, "u")]

    def prompt(self, words: Sequence[int], entry: int = 0) -> list[int]:
        """The tokens of an image. Raises CompileError if it does not fit.

        With a window every line is written: the first token, which is the zero of words that were
        never written, will leave the window.
        """
        memory = self.spec.memory
        if len(words) > memory:
            raise CompileError(
                f"the program has {len(words)} words, but memory has only {memory}",
                hint=f"use --memory {1 << (len(words) - 1).bit_length()}",
            )
        padded = [*words, *[0] * (memory - len(words))]
        tokens = [self.begin]
        for start in range(0, memory, COLUMNS):
            line = padded[start : start + COLUMNS]
            if any(line) or self.spec.window is not None:
                tokens.append(self.first["b"] + start)
                for column, word in enumerate(line):
                    tokens += self.value(word)
                    tokens[-1] += self.first[f"w{column}"] - self.first[f"v{self.spec.digits - 1}"]
        tokens += self.record(Record(Kind.WRITE, 0, padded[0], entry))
        return tokens + (self.refresh(0, padded[0]) if self.spec.window is not None else [])

    def output(self, tokens: Iterable[int]) -> bytes:
        """The bytes of output among some tokens."""
        shown = self.types["out"]
        return bytes(token - shown.start for token in tokens if token in shown)

    def text(self, tokens: Iterable[int]) -> str:
        """The text of some tokens, with bytes of output as `<0xNN>`."""
        return "".join(map(self.name, tokens))

    def name(self, token: int) -> str:
        """The text of a token: no two tokens have the same."""
        kind, number = self.type_of(token)
        if kind in ("program", "halt", "ask"):
            return {"program": "<program>\n", "halt": " <halt>\n", "ask": " ?"}[kind]
        if kind == "out":
            return f"<0x{number:02X}>"
        if kind in ("b", "r"):
            address = format(number, f"0{-(-self.spec.address_bits // 4)}x")
            return f"[{address}]" if kind == "b" else f"  ({address})"
        if kind == "p":
            return f" → {number:0{-(-self.spec.pc_bits // 4)}x}\n"
        return self._digit_name(kind[0], int(kind[1:]), f"{number:02x}")

    def _digit_name(self, kind: str, index: int, byte: str) -> str:
        last = self.spec.digits - 1
        if kind == "u":
            return (" (" if index == 0 else "") + byte + (")\n" if index == last else "")
        if kind == "v":
            return (" " if index == 0 else "") + byte
        end = "\n" if index == COLUMNS - 1 else ""
        return (" " if last == 0 else "") + byte + _COLUMN_MARKS[index] + end
