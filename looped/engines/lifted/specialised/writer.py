"""A graph of passes as a function in LLVM assembly.

    graph(state, cells, loops) -> how many passes of the graph count

It advances a stream of one driver from a state with the key of a head on, and returns before a pass
that has no node or whose constants are not as expected, or for which there may be no loops left. A
state with a one under `stops` has no node. `state` is exact then, and so are the cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from looped.engines.lifted.code import MASK, Code, Instruction
from looped.engines.lifted.specialised.fold import EXPECT
from looped.engines.lifted.specialised.graph import Node, chains_of, heads_of
from looped.engines.lifted.specialised.observe import Key

__all__ = ["Shape", "text_of"]

_FUEL = 256
"""The most times that a call enters a chain after a pass that does not count, so that it ends soon,
as a caller of `run` in `native` expects. A multiplication of RV32IM enters two."""

_MODULE = """{tables}
declare i64 @llvm.ctpop.i64(i64)
define i64 @graph(ptr noalias %state, ptr noalias %cells, i64 %loops) {{
{body}
}}
!0 = !{{!"branch_weights", i32 1, i32 4000}}
"""

_PLAIN = {"shr": "lshr"} | {name: name for name in ("add", "sub", "mul", "and", "or", "xor", "shl")}


class Shape(NamedTuple):
    """What all graphs of a stream have in common: the bits of each word of the state, which words
    are the key, the masks of lanes that stop and of lanes during an instruction, for each word, the
    bits of a cell, and the tables of the code."""

    widths: tuple[int, ...]
    key: tuple[int, ...]
    stops: tuple[int, ...]
    quiet: tuple[int, ...]
    cell_bits: int
    tables: Sequence[npt.NDArray[np.int64]]

    def ends(self, key: Key) -> bool:
        """Whether a pass that leaves this key is the last one."""
        return any(k & self.stops[w] for k, w in zip(key, self.key, strict=True))

    def counts(self, key: Key) -> bool:
        """Whether a pass that leaves this key counts."""
        quiet = any(k & self.quiet[w] for k, w in zip(key, self.key, strict=True))
        return self.ends(key) or not quiet


def text_of(shape: Shape, nodes: Mapping[Key, Node]) -> tuple[str, tuple[Key, ...]]:
    """The function for a graph with these nodes, none of which has a lane of `stops`, and the keys
    that it may begin with."""
    writer = _Writer(shape, nodes)
    return writer.text(), tuple(writer.heads)


class _Writer:
    """Collects lines. Blocks are named by what they are for and the number of their node."""

    def __init__(self, shape: Shape, nodes: Mapping[Key, Node]) -> None:
        self.shape = shape
        self.nodes = nodes
        self.chains = chains_of(nodes)
        self.heads = heads_of(self.chains)
        self.lines: list[str] = []
        self.names = 0
        self.data = [w for w in range(len(shape.widths)) if w not in shape.key]
        self.cell = f"i{shape.cell_bits}"

    def text(self) -> str:
        """The module."""
        self._enter()
        number = 0
        for place, chain in enumerate(self.chains):
            self._begin(place, chain, number)
            for node, onward in zip(chain, [*chain[1:], None], strict=True):
                _Pass(self, node, number, onward).write()
                number += 1
        body = "\n".join(self.lines)
        tables = "\n".join(_table(n, table) for n, table in enumerate(self.shape.tables))
        return _MODULE.format(tables=tables, body=body)

    def name(self) -> str:
        """A new name of a value."""
        self.names += 1
        return f"%v{self.names}"

    def put(self, *lines: str) -> None:
        """Append lines."""
        self.lines += lines

    def value(self, expression: str) -> str:
        """Append an instruction; returns the name of its value."""
        name = self.name()
        self.lines.append(f"{name} = {expression}")
        return name

    def all_equal(self, pairs: Iterable[tuple[str, int]]) -> str:
        """Whether values are these numbers."""
        same = "true"
        for value, number in pairs:
            equal = self.value(f"icmp eq i64 {value}, {_signed(number)}")
            same = self.value(f"and i1 {same}, {equal}")
        return same

    def add_left(self, number: int | str) -> None:
        """Change how many loops are left."""
        left = self.value("load i64, ptr %left")
        self.put(f"store i64 {self.value(f'add i64 {left}, {number}')}, ptr %left")

    def onward(self, key: Key, counts: bool) -> None:
        """Go to the chain that begins with a key."""
        if counts:
            self.add_left(-1)
            self.put(f"br label %head{self.heads[key]}")
            return
        fuel = self.value("load i64, ptr %fuel")
        self.put(f"store i64 {self.value(f'sub i64 {fuel}, 1')}, ptr %fuel")
        for word, number in zip(self.shape.key, key, strict=True):
            self.put(f"store i64 {number}, ptr %next{word}")
        rest = self.value(f"icmp sgt i64 {fuel}, 0")
        self.put(f"br i1 {rest}, label %head{self.heads[key]}, label %end")

    def _enter(self) -> None:
        """The beginning, the choice of a head, and the end."""
        self.put("entry:", "%left = alloca i64", "%fuel = alloca i64")
        names = {w: f"next{w}" if w in self.shape.key else f"data{w}" for w in self._words()}
        for name in names.values():
            self.put(f"%{name} = alloca i64")
        self.put("store i64 %loops, ptr %left", f"store i64 {_FUEL}, ptr %fuel")
        for word, name in names.items():
            place = self.value(f"getelementptr i64, ptr %state, i64 {word}")
            self.put(f"store i64 {self.value(f'load i64, ptr {place}')}, ptr %{name}")
        self.put("br label %choose", "left_by_a_pass:")
        counts = self._count_unknown()
        self.put(f"br i1 {counts}, label %choose, label %end", "choose:")
        self._choose()
        self.put("end:")
        for word, name in names.items():
            place = self.value(f"getelementptr i64, ptr %state, i64 {word}")
            self.put(f"store i64 {self.value(f'load i64, ptr %{name}')}, ptr {place}")
        left = self.value("load i64, ptr %left")
        self.put(f"ret i64 {self.value(f'sub i64 %loops, {left}')}")

    def _words(self) -> range:
        return range(len(self.shape.widths))

    def _count_unknown(self) -> str:
        """Count a pass after which the key may be any; returns whether it counts."""
        raised = {}
        for what, masks in (("stops", self.shape.stops), ("quiet", self.shape.quiet)):
            raised[what] = "0"
            for word in self.shape.key:
                if masks[word]:
                    now = self.value(f"load i64, ptr %next{word}")
                    masked = self.value(f"and i64 {now}, {masks[word]}")
                    raised[what] = self.value(f"or i64 {raised[what]}, {masked}")
        stop = self.value(f"icmp ne i64 {raised['stops']}, 0")
        still = self.value(f"icmp eq i64 {raised['quiet']}, 0")
        counts = self.value(f"or i1 {stop}, {still}")
        self.add_left(self.value(f"sext i1 {counts} to i64"))
        return counts

    def _choose(self) -> None:
        """Go to the chain that begins with the key at hand, or to the end."""
        heads = list(self.heads)
        sizes = [len({key[n] for key in heads}) for n in range(len(self.shape.key))]
        widest = sizes.index(max(sizes))
        now = [self.value(f"load i64, ptr %next{word}") for word in self.shape.key]
        groups: dict[int, list[Key]] = {}
        for key in heads:
            groups.setdefault(key[widest], []).append(key)
        cases = " ".join(f"i64 {number}, label %choose{number}" for number in groups)
        self.put(f"switch i64 {now[widest]}, label %end [{cases}]")
        for number, keys in groups.items():
            self.put(f"choose{number}:")
            for place, key in enumerate(keys):
                other = "end" if place == len(keys) - 1 else f"choose{number}_{place}"
                same = self.all_equal(zip(now, key, strict=True))
                self.put(f"br i1 {same}, label %head{self.heads[key]}, label %{other}")
                if other != "end":
                    self.put(f"{other}:")

    def _begin(self, place: int, chain: list[Node], number: int) -> None:
        """The head of a chain: enough loops must be left for all of its passes."""
        counted = [self.shape.counts(node.key) for node in chain[1:]]
        self.put(f"head{place}:")
        left = self.value("load i64, ptr %left")
        short = self.value(f"icmp slt i64 {left}, {sum(counted) + 1}")
        self.put(f"br i1 {short}, label %before{number}, label %node{number}, !prof !0")


class _Pass:
    """Writes the pass of one node. `onward` is the next one in its chain."""

    def __init__(self, writer: _Writer, node: Node, number: int, onward: Node | None) -> None:
        self.writer = writer
        self.node = node
        self.number = number
        self.onward = onward
        self.code: Code = node.code
        self.values: dict[int, str] = {}
        self.blocks = 0
        self.undo: list[tuple[str, str]] = []

    def write(self) -> None:
        """The block before which the graph is left, the pass, and what follows."""
        w, number = self.writer, self.number
        w.put(f"before{number}:")
        for word, now in zip(w.shape.key, self.node.key, strict=True):
            w.put(f"store i64 {now}, ptr %next{word}")
        w.put("br label %end", f"node{number}:")
        guards = [
            place
            for place, i in enumerate(self.code.instructions)
            if i.operation in ("guard", EXPECT)
        ]
        last = max(guards, default=-1)
        for place, instruction in enumerate(self.code.instructions):
            self._instruction(place, instruction, place < last)
        for word in w.data:
            w.put(f"store i64 {self.values[self.code.following[word]]}, ptr %data{word}")
        self._follow()

    def _instruction(self, place: int, instruction: Instruction, guarded: bool) -> None:
        w = self.writer
        operands = [self.values[o] for o in instruction.operands if o in self.values]
        match instruction.operation:
            case "const":
                self.values[place] = str(_signed(instruction.number))
            case "state":
                self.values[place] = w.value(f"load i64, ptr %data{instruction.number}")
            case "load":
                self.values[place] = self._loaded(self._cell(operands[0]))
            case "expect":
                wrong = w.value(f"icmp ne i64 {operands[0]}, {_signed(instruction.number)}")
                self._leave_if(wrong)
            case "guard":
                self._leave_if(w.value(f"icmp ne i64 {operands[0]}, 0"))
            case "store":
                at, content = self._cell(operands[0]), operands[1]
                if w.shape.cell_bits < 64:
                    content = w.value(f"trunc i64 {content} to {w.cell}")
                if guarded:
                    self.undo.append((at, w.value(f"load {w.cell}, ptr {at}")))
                w.put(f"store {w.cell} {content}, ptr {at}")
            case operation:
                self.values[place] = self._value(operation, operands, instruction.number)

    def _cell(self, column: str) -> str:
        return self.writer.value(f"getelementptr {self.writer.cell}, ptr %cells, i64 {column}")

    def _loaded(self, place: str) -> str:
        w = self.writer
        loaded = w.value(f"load {w.cell}, ptr {place}")
        return loaded if w.shape.cell_bits == 64 else w.value(f"zext {w.cell} {loaded} to i64")

    def _leave_if(self, wrong: str) -> None:
        """Leave the graph before this pass if a bit is one."""
        w = self.writer
        self.blocks += 1
        onward = f"node{self.number}_{self.blocks}"
        away = f"undo{self.number}_{self.blocks}" if self.undo else f"before{self.number}"
        w.put(f"br i1 {wrong}, label %{away}, label %{onward}, !prof !0")
        if self.undo:
            w.put(f"{away}:")
            for place, old in reversed(self.undo):
                w.put(f"store {w.cell} {old}, ptr {place}")
            w.put(f"br label %before{self.number}")
        w.put(f"{onward}:")

    def _value(self, operation: str, operands: list[str], number: int) -> str:
        w = self.writer
        match operation:
            case "select":
                chosen = w.value(f"icmp ne i64 {operands[0]}, 0")
                return w.value(f"select i1 {chosen}, i64 {operands[1]}, i64 {operands[2]}")
            case "equal" | "less":
                comparison = "eq" if operation == "equal" else "ult"
                bit = w.value(f"icmp {comparison} i64 {operands[0]}, {operands[1]}")
                return w.value(f"zext i1 {bit} to i64")
            case "negative":
                return w.value(f"lshr i64 {operands[0]}, 63")
            case "ones":
                return w.value(f"call i64 @llvm.ctpop.i64(i64 {operands[0]})")
            case "table":
                at = w.value(f"getelementptr i64, ptr @table{number}, i64 {operands[0]}")
                return w.value(f"load i64, ptr {at}")
        return w.value(f"{_PLAIN[operation]} i64 {operands[0]}, {operands[1]}")

    def _follow(self) -> None:
        """Go on to the node of the key that the pass leaves."""
        w = self.writer
        own = [self.code.following[word] for word in w.shape.key]
        for key in self.node.following:
            known = [(self.code.number(v), k) for v, k in zip(own, key, strict=True)]
            if any(number not in (None, k) for number, k in known):
                continue
            here = self.onward is not None and key == self.onward.key
            if not here and key not in w.heads:
                continue
            tests = [
                (self.values[value], k)
                for value, k in zip(own, key, strict=True)
                if self.code.number(value) is None
            ]
            self._try(key, tests, here)
            if not tests:
                return
        for word, value in zip(w.shape.key, own, strict=True):
            w.put(f"store i64 {self.values[value]}, ptr %next{word}")
        w.put("br label %left_by_a_pass")

    def _try(self, key: Key, tests: list[tuple[str, int]], here: bool) -> None:
        """Go on to a node if its key is the one that the pass leaves."""
        w = self.writer
        onward, other = "", ""
        if tests:
            same = w.all_equal(tests)
            self.blocks += 1
            onward, other = (f"{what}{self.number}_{self.blocks}" for what in ("to", "else"))
            w.put(f"br i1 {same}, label %{onward}, label %{other}", f"{onward}:")
        if here:
            if w.shape.counts(key):
                w.add_left(-1)
            w.put(f"br label %node{self.number + 1}")
        else:
            w.onward(key, w.shape.counts(key))
        if tests:
            w.put(f"{other}:")


def _signed(number: int) -> int:
    number &= MASK
    return number - (1 << 64) if number >> 63 else number


def _table(number: int, table: npt.NDArray[np.int64]) -> str:
    entries = ", ".join(f"i64 {entry}" for entry in table.tolist())
    return f"@table{number} = internal constant [{len(table)} x i64] [{entries}]"
