"""Text to an Assembly: labels, assignments, macros, conditions, repetitions, files.

The reader reads statements one by one, as GNU as does: symbols, macros and conditions have the
meaning that they have at that place.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from looped.errors import Diagnostic, LoopedError, Source, Span
from looped.lang.gnu import directives
from looped.lang.gnu import macros as macro
from looped.lang.gnu.arguments import Calculator
from looped.lang.gnu.assembly import Assembly, Target, Writer
from looped.lang.gnu.blocks import CLOSERS, OPENERS, block, directive_of, each
from looped.lang.gnu.conditions import CONDITIONS, Conditions
from looped.lang.gnu.holding import holds
from looped.lang.gnu.literals import NAME, tokens
from looped.lang.gnu.nodes import Text
from looped.lang.gnu.operands import expression, operands
from looped.lang.gnu.text import Line, separated, statements
from looped.lang.includes import Includes

__all__ = ["Reader"]

_DEEPEST = 60
_MOST_STATEMENTS = 250_000
_MOST_TEXT = 1 << 24
_LONGEST_LINE = 1 << 13
_MOST_ERRORS = 1000

_LABEL = re.compile(rf"\s*({NAME}|\d\w*)\s*:(?!:)")
_ASSIGNMENT = re.compile(rf"\s*({NAME})\s*==?(?!=)")
_OPCODE = re.compile(rf"\s*({NAME})")
_ALTERNATE = {".altmacro": True, ".noaltmacro": False}
_LEAVING = (".exitm", ".mexit")
_OWN = frozenset(
    {
        ".include",
        ".machine",
        ".width",
        ".purgem",
        ".end",
        *_ALTERNATE,
        *_LEAVING,
        *OPENERS,
        *CLOSERS,
        *CONDITIONS,
    }
)


@dataclass(frozen=True, slots=True)
class _Context:
    """The place of the expansion: the invocations that led here."""

    depth: int = 0
    origin: Span | None = None
    expanding: str | None = None

    @property
    def note(self) -> str | None:
        """The note for an error in an expansion."""
        if self.expanding is None:
            return None
        return f"in the expansion of `{self.expanding}` at {self.origin}"


@dataclass
class Reader:
    """Reads sources for a target; `errors` collects their errors.

    If `is_fixed` is set, the source cannot change the target.
    """

    target: Target
    is_fixed: bool = False
    errors: list[Diagnostic] = field(default_factory=list)
    macros: dict[str, macro.Macro] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.program = Assembly(self.target)
        self._conditions = Conditions()
        self._alternate = False
        self._expansions = 0
        self._seen = self._text = 0
        self._ended = False

    def read(self, source: Source) -> Assembly:
        """Read a source and what it includes."""
        self._includes = Includes(source.name)
        self._source(source, _Context())
        for error in self.program.finish():
            self._fail(error, None)
        return self.program

    def _source(self, source: Source, context: _Context) -> None:
        try:
            lines = statements(source)
        except LoopedError as error:
            self._fail(error, None)
            return
        self._block(lines, context)

    def _block(self, lines: Sequence[Line], context: _Context) -> bool:
        """Read lines and close their conditions; returns whether there was an `.exitm`."""
        depth = self._conditions.depth
        left = self._lines(lines, context)
        unfinished = self._conditions.leave(depth)
        if not left and not self._ended:
            for error in unfinished:
                self._fail(error, context.note)
        return left

    def _lines(self, lines: Sequence[Line], context: _Context) -> bool:
        at = 0
        while at < len(lines) and not self._ended:
            line = lines[at]
            at += 1
            try:
                self._count(line)
                name = directive_of(line) if "." in line.text else ""
                if name in CONDITIONS:
                    self._condition(name, line)
                elif not self._conditions.hold:
                    continue
                elif name in _LEAVING and context.depth:
                    return True
                elif name in OPENERS:
                    start, at = at, len(lines)  # if it has no end
                    at = block(lines, start - 1)
                    self._opened(name, line, lines[start : at - 1], context)
                else:
                    self._statement(line, context)
            except LoopedError as error:
                self._fail(error, context.note)
        return False

    def _count(self, line: Line) -> None:
        """Count a statement. Raises LoopedError for too many, or for too much text."""
        self._seen += 1
        self._text += len(line.text)
        if self._seen > _MOST_STATEMENTS:
            self._ended = True
            message = f"more than {_MOST_STATEMENTS:,} statements after expansion"
            raise LoopedError(message, _whole(line))
        if self._text > _MOST_TEXT:
            self._ended = True
            raise LoopedError("too much text after expansion", _whole(line))

    def _fail(self, error: LoopedError, note: str | None) -> None:
        """Record an error, with the expansion that contains it."""
        for d in error.diagnostics:
            hint = "; ".join(part for part in (d.hint, note) if part) or None
            self.errors.append(Diagnostic(d.message, d.span, hint))
        self._ended |= len(self.errors) >= _MOST_ERRORS or self._includes.full

    def _condition(self, name: str, line: Line) -> None:
        at = line.text.lower().index(name) + len(name)
        span = line.span(at - len(name), at)
        if name == ".endif":
            self._conditions.end(name, span)
        elif name in (".else", ".elseif"):
            self._conditions.otherwise(
                name, span, lambda: name == ".else" or holds(".if", line, at, span, self.program)
            )
        else:
            self._conditions.begin(name, span, lambda: holds(name, line, at, span, self.program))

    def _opened(self, name: str, line: Line, body: Sequence[Line], context: _Context) -> None:
        """A block: a macro's definition, or statements to be repeated."""
        at = self._labels(line, context)
        at += len(line.text[at:]) - len(line.text[at:].lstrip()) + len(name)
        if name == ".macro":
            own, parameters = macro.heading(line, at, self._calculator)
            self.macros[own.lower()] = macro.Macro(own, parameters, tuple(body))
        elif name == ".rept":
            count = self.program.constant(expression(line, at, self.program.names), "the number")
            for _ in range(count):
                self._count(line)
                if self._lines(body, context) or self._ended:
                    break
        else:
            for lines in each(name, line, at, body, self._calculator):
                self._count(line)
                if self._lines(lines, context) or self._ended:
                    break

    @property
    def _calculator(self) -> Calculator | None:
        """The function that computes `%expression` in arguments; None before `.altmacro`."""
        if not self._alternate:
            return None
        names = self.program.names
        return lambda line: self.program.constant(expression(line, 0, names), "the value")

    def _statement(self, line: Line, context: _Context) -> None:
        at = self._labels(line, context)
        text = line.text
        if text[at:].isspace() or at == len(text):
            return
        assignment = _ASSIGNMENT.match(text, at)
        opcode = _OPCODE.match(text, at)
        if assignment is not None:
            writer = self._writer(line, assignment.span(1), context)
            directives.assign(assignment[1], line, assignment.end(), self.program, writer)
        elif opcode is not None:
            writer = self._writer(line, opcode.span(1), context)
            self._command(opcode[1].lower(), line, opcode.end(), writer, context)
        else:
            raise _no_statement(line, at)

    def _labels(self, line: Line, context: _Context) -> int:
        """Define the labels of a statement; returns where its rest begins."""
        at = 0
        while (match := _LABEL.match(line.text, at)) is not None:
            name, span = match[1], line.span(*match.span(1))
            if name[0].isdigit() and not name.isdigit():
                raise LoopedError(f"`{name}` is not a label", span, "a name, or 1, 2, …")
            self.program.label(name, self._writer(line, match.span(1), context))
            at = match.end()
        return at

    @staticmethod
    def _writer(line: Line, place: tuple[int, int], context: _Context) -> Writer:
        span = line.span(*place)
        return Writer(span, context.origin or span, context.note)

    def _command(self, name: str, line: Line, at: int, writer: Writer, context: _Context) -> None:
        """A directive, a macro's invocation or an instruction."""
        if name in _OWN:
            self._own(name, line, at, writer, context)
        elif name in directives.HANDLERS:
            directives.HANDLERS[name](name, line, at, self.program, writer)
        elif name in self.target.directives:
            gaps = name in directives.WITH_GAPS
            found = operands(line, at, self.program.names, gaps)
            self.program.emit(name, found, writer)
        elif name in self.macros:
            self._expand(self.macros[name], line, at, writer.span, context)
        elif name in self.target.mnemonics:
            self.program.instruct(name, operands(line, at, self.program.names), writer)
        else:
            raise self._unknown(name, writer.span)

    def _own(self, name: str, line: Line, at: int, writer: Writer, context: _Context) -> None:
        """Directives about the text itself."""
        rest = line.text[at:].strip()
        if name == ".include":
            self._include(line, at, writer.span, context)
        elif name in (".machine", ".width"):
            directives.check_target(name, line, at, self.program, writer, self.is_fixed)
        elif name in _ALTERNATE:
            self._alternate = _ALTERNATE[name]
        elif name == ".end":
            self._ended = True
        elif name == ".purgem":
            if self.macros.pop(rest.lower(), None) is None:
                name_of = line.part(at, len(line.text)).stripped()
                where = name_of.span(0, len(rest)) if rest else writer.span
                raise LoopedError(f"no macro named `{rest}`", where)
        elif name in _LEAVING:
            raise LoopedError(f"this {name} is in no macro", writer.span)
        else:
            raise LoopedError(f"this {name} closes nothing", writer.span)

    def _expand(
        self, found: macro.Macro, line: Line, at: int, span: Span, context: _Context
    ) -> None:
        if context.depth >= _DEEPEST:
            self._ended = True
            message = f"macro `{found.name}` is nested more than {_DEEPEST} deep"
            raise LoopedError(message, context.origin or span, "does it invoke itself?")
        given = macro.bind(found, line, at, span, self._calculator)
        number, self._expansions = self._expansions, self._expansions + 1
        lines: list[Line] = []
        for part in found.body:
            local = macro.local_names(part) if self._alternate else []
            if local:
                given |= {name: Line(f".LL{number:04x}.{name}", part.pieces) for name in local}
                continue
            text = macro.substituted(part, given, number, self._alternate)
            if len(text.text) > _LONGEST_LINE:
                raise LoopedError("a line grows too long", context.origin or span)
            lines += separated(text)
        self._block(lines, _Context(context.depth + 1, context.origin or span, found.name))

    def _include(self, line: Line, at: int, span: Span, context: _Context) -> None:
        found = operands(line, at, self.program.names)
        if len(found) != 1 or not isinstance(found[0], Text):
            raise LoopedError(".include needs a file name", span, '.include "file.s"')
        text = found[0]
        with self._includes.reading(directives.beside(span, text), text.span) as source:
            self._source(source, context)

    def _unknown(self, name: str, span: Span) -> LoopedError:
        if name.startswith("."):
            known = sorted({*_OWN, *directives.HANDLERS, *self.target.directives})
            what = "directive"
        else:
            known = [*self.macros, *self.target.mnemonics]
            what = "instruction or macro"
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean `{near[0]}`?" if near else None
        if name in self.target.elsewhere:
            machine = self.target.elsewhere[name]
            hint = f"{machine} has it: --machine {machine}, or .machine {machine} in the source"
        return LoopedError(f"no {what} named `{name[:60]}`", span, hint)


def _whole(line: Line) -> Span:
    return line.span(0, len(line.text))


def _no_statement(line: Line, at: int) -> LoopedError:
    at += len(line.text[at:]) - len(line.text[at:].lstrip())
    bad = tokens(line, at)[0]  # raises an error for an invalid character first
    message = "a statement begins with a label, a mnemonic or a directive"
    return LoopedError(message, line.span(bad.start, max(bad.end, bad.start + 1)))
