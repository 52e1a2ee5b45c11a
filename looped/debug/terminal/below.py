"""Commands below the instruction: loops, blocks, heads, groups of hidden units, lanes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from looped.artefact.plan import Plan
from looped.debug.expressions import parse_whole
from looped.debug.loops import Loops
from looped.debug.terminal.command import Command
from looped.debug.terminal.layout import table
from looped.debug.terminal.screen import Screen
from looped.errors import CompileError
from looped.study.parts import CLEAR, Group, Head, Part, find, parts
from looped.study.walk import Attended, Bits, Walk, bits_of, phase_name

__all__ = ["BELOW"]

_LANE = re.compile(r"(?P<word>.+)\.(?P<bit>\d+)\Z")
_SHOWN_UNITS = 24
"""So many hidden units fit in a line or two; a group has up to 639."""


def _loop(screen: Screen, rest: str) -> None:
    """The chosen loop, or another one: all of its blocks."""
    loops = screen.loops
    if rest:
        loops.choose_loop(_number(screen, rest) - 1)
    walk = loops.walk()
    end = "the last one" if loops.is_last() else "not the last one"
    worker = f", worker {loops.worker}" if len(walk.plan.cpus) > 1 else ""
    screen.say(f"loop {loops.loop + 1} of the next instruction, {end}{worker}")
    for block in range(len(walk.plan.blocks)):
        _show_block(screen, walk, block, quiet=True)


def _block(screen: Screen, rest: str) -> None:
    walk, number = screen.loops.walk(), _number(screen, rest) if rest else 0
    if not 1 <= number <= len(walk.plan.blocks):
        raise CompileError("which block?", hint=f"block 1 to block {len(walk.plan.blocks)}")
    _show_block(screen, walk, number - 1, quiet=False)


def _head(screen: Screen, rest: str) -> None:
    """A head: what the chosen worker, or the columns that it changes, attend to."""
    name, _, asking = rest.partition(" of ")
    walk = screen.loops.walk()
    for part in _named(walk.plan, Head, name):
        assert isinstance(part, Head)
        described = walk.plan.blocks[part.block].heads[part.index]
        screen.say(f"{phase_name(2 * part.block)}, head {part.name}: {part.job}")
        screen.say(f"  query {', '.join(described.query)}; key {', '.join(described.key)}")
        columns = [_column(screen, asking)] if asking else _asking(screen.loops, walk, part)
        _say_rows(screen, *_attention(screen, walk, [(part, columns)]))


def _group(screen: Screen, rest: str) -> None:
    """A group: the words that it reads, the units that fire, the word that it makes."""
    walk, cpu = screen.loops.walk(), screen.loops.cpu
    for part in _named(walk.plan, Group, rest):
        assert isinstance(part, Group)
        phase = 2 * part.block + 1
        screen.say(f"{phase_name(phase)}, group {part.name}: {part.job}")
        fired = walk.fired(part, cpu)
        units = ", ".join(map(str, fired[:_SHOWN_UNITS])) + (", …" if fired[_SHOWN_UNITS:] else "")
        screen.say(f"  {len(fired)} of {len(part.units)} units fire{': ' if fired else ''}{units}")
        for group in walk.plan.blocks[part.block].groups:
            if group.name == part.name:
                for word in dict.fromkeys(name.partition("[")[0] for name in group.reads):
                    screen.say(f"  reads {_value(walk, word, phase - 1, cpu)}")
        if part.name != CLEAR:
            screen.say(f"  makes {_value(walk, part.name, phase, cpu)}")


def _lane(screen: Screen, rest: str) -> None:
    """A word in each phase of the loop, or one lane by its number or as WORD.BIT."""
    walk, cpu = screen.loops.walk(), screen.loops.cpu
    plan, phases = walk.plan, range(-1, walk.last_phase + 1)
    if not rest:
        raise CompileError("which lane?", hint="lane pc, lane pc.3, lane 17")
    if rest.isdecimal() and int(rest) >= plan.d_model:
        raise CompileError(f"there is no lane {rest}", hint=f"lanes 0 to {plan.d_model - 1}")
    rows = []
    for phase in phases:
        if rest.isdecimal():
            sign = "+1" if walk.state(phase)[cpu, int(rest)] > 0 else "-1"
            rows.append((phase_name(phase), sign, plan.occupant(int(rest), phase) or "idle"))
        else:
            rows.append((phase_name(phase), *_held(plan, walk, rest, phase, cpu)))
    _say_rows(screen, ("after", "value", "holds" if rest.isdecimal() else "in lanes"), rows)


def _held(plan: Plan, walk: Walk, name: str, phase: int, cpu: int) -> tuple[str, str]:
    """The value of a word, or of WORD.BIT, after a phase, and its lanes."""
    found = _LANE.match(name)
    bits = _bits(plan, found["word"] if found else name, phase)
    if bits is None or (found and int(found["bit"]) not in bits.bits):
        return "-", ""
    if found:
        lane = bits.lanes[bits.bits.index(int(found["bit"]))]
        return "+1" if walk.state(phase)[cpu, lane] > 0 else "-1", str(lane)
    shown = str(walk.value(bits, phase, cpu))
    return shown + ("" if bits.whole else f" (bits {_ranges(bits.bits)})"), _ranges(bits.lanes)


def _worker(screen: Screen, rest: str) -> None:
    if rest:
        screen.loops.choose_worker(_number(screen, rest))
    count = len(screen.debugger.timeline.machine.plan.cpus)
    screen.say(f"worker {screen.loops.worker} of {count}, in column {screen.loops.cpu}")


def _show_block(screen: Screen, walk: Walk, block: int, quiet: bool) -> None:
    """The tables of a block; if `quiet`, without groups none of whose units fire."""
    heads = [part for part in parts(walk.plan) if part.block == block and isinstance(part, Head)]
    asked = [(head, _asking(screen.loops, walk, head)) for head in heads]
    if heads:
        screen.say(phase_name(2 * block))
        _say_rows(screen, *_attention(screen, walk, asked))
    rows, cpu, phase = [], screen.loops.cpu, 2 * block + 1
    for part in parts(walk.plan):
        if part.block == block and isinstance(part, Group):
            fired = walk.fired(part, cpu)
            made = "" if part.name == CLEAR else _value(walk, part.name, phase, cpu)
            if fired or not quiet:
                rows.append((part.name, f"{len(fired)} of {len(part.units)}", made))
    screen.say(phase_name(phase))
    _say_rows(screen, ("group", "units fire", "makes"), rows)


def _asking(loops: Loops, walk: Walk, head: Head) -> list[int]:
    """The columns whose attention in a head matters: the worker, or the columns that change."""
    return [loops.cpu] if walk.is_asked_by_cpu(head) else walk.changed(head.block)


def _attention(
    screen: Screen, walk: Walk, asked: Iterable[tuple[Head, list[int]]]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heading and rows of a table of what columns attend to in heads."""
    rows: list[tuple[str, ...]] = []
    for head, columns in asked:
        if not columns:
            rows.append((head.name, "no column changes", "", "", "", "", "", ""))
        rows += [_row(screen, head, each) for each in walk.attended(head, columns)]
    heading = ("head", "asks", "attends to", "score", "runner-up", "score", "margin", "copies")
    return heading, rows


def _row(screen: Screen, head: Head, seen: Attended) -> tuple[str, ...]:
    copied = ", ".join(f"{word} = {value}" for word, value in seen.copied.items())
    columns = [_shown(screen, each) for each in (seen.column, seen.target, seen.runner_up)]
    asks, target, next_one = columns
    scores = [f"{score:g}" for score in (seen.score, seen.next_score, seen.margin)]
    return head.name, asks, target, scores[0], next_one, scores[1], scores[2], copied


def _shown(screen: Screen, column: int) -> str:
    """A column by its name; a word of memory with its label."""
    words = screen.debugger.words
    plan = screen.debugger.timeline.machine.plan
    if column >= plan.memory:
        return plan.column_name(column)
    address = words.image.address(column)
    name, label = f"mem[{screen.address(address)}]", words.label(address)
    return f"{name} <{label}>" if label else name


def _column(screen: Screen, text: str) -> int:
    """The column of a word of memory by its address, or of a register of the file: `$a0`."""
    words, plan = screen.debugger.words, screen.debugger.timeline.machine.plan
    number = words.number(text.removeprefix("$")) if text.startswith("$") else None
    if number is not None:
        return plan.memory + number
    column = words.image.index(parse_whole(text)(words) % (1 << words.width))
    if column >= plan.memory:
        raise CompileError("that address is outside memory")
    return column


def _value(walk: Walk, word: str, phase: int, cpu: int) -> str:
    """`pc = 17` after a phase; only the bits that lanes hold."""
    bits = _bits(walk.plan, word, phase)
    if bits is None:
        return word
    part = "" if bits.whole else f"[{_ranges(bits.bits)}]"
    return f"{word}{part} = {walk.value(bits, phase, cpu)}"


def _bits(plan: Plan, word: str, phase: int) -> Bits | None:
    try:
        return bits_of(plan, word, phase)
    except ValueError as error:
        raise CompileError(str(error), hint="`info registers` lists some") from None


def _ranges(numbers: tuple[int, ...]) -> str:
    """`0-4,7` for 0, 1, 2, 3, 4, 7."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def _named(plan: Plan, kind: type[Part], name: str) -> tuple[Part, ...]:
    """The heads or the groups with a name."""
    what = "head" if kind is Head else "group"
    if not name:
        known = dict.fromkeys(p.name for p in parts(plan) if isinstance(p, kind))
        raise CompileError(f"which {what}?", hint=f"there are {', '.join(known)}")
    try:
        return find(plan, head=name) if kind is Head else find(plan, group=name)
    except ValueError as error:
        raise CompileError(str(error)) from None


def _number(screen: Screen, text: str) -> int:
    return parse_whole(text)(screen.debugger.words)


def _say_rows(screen: Screen, heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    for line in table(heading, rows):
        screen.say(line)


BELOW = (
    Command("loop", "loop [N]", "Print loop N of the next instruction, block by block.", _loop),
    Command("block", "block N", "Print a block: its heads, and all groups of its MLP.", _block),
    Command(
        "head", "head NAME [of ADDRESS]", "Print who attends to whom, and what it copies.", _head
    ),
    Command("group", "group NAME", "Print the units of an MLP that fire for a word.", _group),
    Command("lane", "lane WORD|WORD.BIT|N", "Print a word or a lane in each phase.", _lane),
    Command("worker", "worker [N]", "Choose the CPU column of `loop`, `head` and others.", _worker),
)
