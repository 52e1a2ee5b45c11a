"""Expansion: macros, local labels, includes, blocks that are emitted once.

The result is a flat list of labels, constants, data and instructions. Each has the scope in which
its names are looked up, and the source line that caused it.

A local label begins with `@`. In a macro's body it is new in every expansion; elsewhere it belongs
to the ordinary label before it.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from looped.errors import Diagnostic, LoopedError, Span
from looped.lang.ast import Argument, Command, Label, MacroHead, Program, Statement, Symbol, Text
from looped.lang.expressions import Anchor, Bound, Scope
from looped.lang.includes import Includes
from looped.lang.items import Item
from looped.lang.parser import parse

__all__ = ["Expander", "Macro"]

_DEEPEST = 60
_MOST_STATEMENTS = 250_000
_MOST_ERRORS = 1000

_CLOSERS = {".macro": ".endm", ".once": ".endonce"}
_OWN = (".equ", ".include", *_CLOSERS, *_CLOSERS.values())
"""The directives that expansion executes."""


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro: its parameters and its body, not yet expanded."""

    name: str
    parameters: tuple[str, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class _Context:
    """The place of the expansion: the scope, and the invocations that led here."""

    scope: Scope
    depth: int = 0
    origin: Span | None = None
    expanding: str | None = None


@dataclass
class Expander:
    """Expands programs of a language with these `mnemonics` and `directives`.

    `errors` collects the errors of the programs.
    """

    mnemonics: Collection[str]
    directives: Collection[str]
    items: list[Item] = field(default_factory=list)
    errors: list[Diagnostic] = field(default_factory=list)
    macros: dict[str, Macro] = field(default_factory=dict)
    _blocks: dict[str, tuple[Statement, ...]] = field(default_factory=dict)
    _includes: Includes = field(init=False)
    _scopes: int = 0
    _seen: int = 0
    _full: bool = False

    def program(self, program: Program, name: str) -> None:
        """Expand the program in the file `name`, then its `.once` blocks."""
        self._includes = Includes(name)
        self._statements(program.statements, _Context(Scope("")))
        done: set[str] = set()
        while waiting := [name for name in self._blocks if name not in done]:
            for name in waiting:
                self._statements(self._blocks[name], _Context(Scope(f"{name}!")))
            done.update(waiting)

    def define(self, program: Program) -> None:
        """Define the macros of a library; ignore everything else in it."""
        statements, at = program.statements, 0
        while at < len(statements):
            head, at = statements[at], at + 1
            if isinstance(head, MacroHead):
                body, at = self._body(head, ".macro", statements, at)
                self._define(head, body)

    def fail(self, error: LoopedError, note: str | None = None) -> None:
        """Record an error, with the expansion that contains it."""
        for d in error.diagnostics:
            hint = "; ".join(part for part in (d.hint, note) if part) or None
            self.errors.append(Diagnostic(d.message, d.span, hint))

    def _statements(self, statements: Sequence[Statement], context: _Context) -> None:
        at = 0
        while at < len(statements) and not self._full:
            statement, before, at = statements[at], at, at + 1
            try:
                if isinstance(statement, Label):
                    context = self._label(statement, context)
                elif isinstance(statement, MacroHead):
                    body, at = self._body(statement, ".macro", statements, at)
                    self._define(statement, body)
                elif statement.name == ".once":
                    body, at = self._body(statement, ".once", statements, at)
                    self._once(statement, body)
                else:
                    self._command(statement, context)
                self._count_statements(at - before, context.origin or statement.span)
            except LoopedError as error:
                self.fail(error, _note(context))
            self._full |= len(self.errors) >= _MOST_ERRORS or self._includes.full

    def _count_statements(self, number: int, span: Span) -> None:
        """Count statements. Raises LoopedError for too many of them."""
        self._seen += number
        if self._seen > _MOST_STATEMENTS and not self._full:
            self._full = True
            raise LoopedError(f"more than {_MOST_STATEMENTS:,} statements after expansion", span)

    def _body(
        self, head: MacroHead | Command, kind: str, statements: Sequence[Statement], start: int
    ) -> tuple[tuple[Statement, ...], int]:
        """The statements from `start` to the end of a block, and the index of the next one."""
        depth = 1
        for at in range(start, len(statements)):
            statement = statements[at]
            name = statement.name if isinstance(statement, Command) else ""
            opens = isinstance(statement, MacroHead) if kind == ".macro" else name == kind
            depth += opens - (name == _CLOSERS[kind])
            if depth == 0:
                return tuple(statements[start:at]), at + 1
        self.errors.append(Diagnostic(f"this {kind} has no {_CLOSERS[kind]}", head.span))
        return tuple(statements[start:]), len(statements)

    def _define(self, head: MacroHead, body: tuple[Statement, ...]) -> None:
        names = [parameter.name for parameter in head.parameters]
        for i, parameter in enumerate(head.parameters):
            if parameter.name in names[:i]:
                message = f"parameter `{parameter.name}` appears twice"
                self.errors.append(Diagnostic(message, parameter.span))
        self.macros[head.name.name] = Macro(head.name.name, tuple(names), body)

    def _once(self, head: Command, body: tuple[Statement, ...]) -> None:
        if len(head.arguments) != 1 or not isinstance(head.arguments[0], Symbol):
            raise LoopedError(".once needs a name", head.span)
        self._blocks.setdefault(head.arguments[0].name, body)

    def _label(self, label: Label, context: _Context) -> _Context:
        if label.name in context.scope.parameters:
            raise LoopedError(f"parameter `{label.name}` cannot be a label", label.span)
        self._emit("label", label.span, (), context, context.scope.key(label.name))
        if context.depth == 0 and not label.name.startswith("@"):
            return _Context(Scope(label.name), 0, context.origin)
        return context

    def _command(self, command: Command, context: _Context) -> None:
        name = command.name
        if name == ".include":
            self._include(command, context)
        elif name in (".equ", ".set"):
            self._constant(command, context)
        elif name in _CLOSERS.values():
            raise LoopedError(f"this {name} closes nothing", command.span)
        elif name in self.directives:
            self._emit(name, command.span, command.arguments, context)
        elif name in self.macros:
            self._expand(self.macros[name], command, context)
        elif name in self.mnemonics:
            self._emit(name, command.span, command.arguments, context)
        else:
            raise self._unknown(command)

    def _constant(self, command: Command, context: _Context) -> None:
        arguments = command.arguments
        if len(arguments) != 2 or not isinstance(arguments[0], Symbol):
            message = f"{command.name} needs a name and a value"
            raise LoopedError(message, command.span, f"{command.name} SIZE, 30")
        key = context.scope.key(arguments[0].name)
        self._emit(".equ", arguments[0].span, arguments[1:], context, key)

    def _emit(
        self,
        kind: str,
        span: Span,
        arguments: Iterable[Argument],
        context: _Context,
        key: str = "",
    ) -> None:
        anchor = Anchor()
        scope = context.scope
        bound = tuple(a if isinstance(a, Text) else Bound(a, scope, anchor) for a in arguments)
        origin = context.origin or span
        self.items.append(Item(kind, span, bound, anchor, origin, key, _note(context)))

    def _expand(self, macro: Macro, command: Command, context: _Context) -> None:
        if context.depth >= _DEEPEST:
            raise LoopedError(
                f"macro `{macro.name}` is nested more than {_DEEPEST} deep",
                context.origin or command.span,
                "does it invoke itself?",
            )
        if len(command.arguments) != len(macro.parameters):
            raise self._count(macro, command)
        self._scopes += 1
        # a label without a name: its address is the value of `$` in the arguments
        self._emit("label", command.span, (), context)
        anchor = self.items[-1].anchor
        parameters = {}
        for name, argument in zip(macro.parameters, command.arguments, strict=True):
            if isinstance(argument, Text):
                raise LoopedError("text cannot be an operand of a macro", argument.span)
            parameters[name] = Bound(argument, context.scope, anchor)
        inner = _Context(
            Scope(f"{self._scopes}!", parameters),
            context.depth + 1,
            context.origin or command.span,
            macro.name,
        )
        before = len(self.errors)
        self._statements(macro.body, inner)
        if context.depth + 1 >= _DEEPEST and len(self.errors) > before:
            self._full = True

    def _count(self, macro: Macro, command: Command) -> LoopedError:
        wanted, found = len(macro.parameters), len(command.arguments)
        plural = "" if wanted == 1 else "s"
        return LoopedError(
            f"`{macro.name}` takes {wanted} operand{plural}, not {found}",
            command.span,
            " ".join([macro.name, ", ".join(macro.parameters)]).strip(),
        )

    def _include(self, command: Command, context: _Context) -> None:
        if len(command.arguments) != 1 or not isinstance(command.arguments[0], Text):
            raise LoopedError(".include needs a file name", command.span, '.include "file.sasm"')
        text = command.arguments[0]
        folder = Path(command.span.source.name).parent
        path = folder / text.content.decode("latin-1")
        with self._includes.reading(path, text.span) as source:
            program, errors = parse(source)
            self.errors += errors
            self._statements(program.statements, context)

    def _unknown(self, command: Command) -> LoopedError:
        if command.name.startswith("."):
            known = sorted({*_OWN, *self.directives})
            what = "directive"
        else:
            known = [*self.macros, *self.mnemonics]
            what = "instruction or macro"
        near = difflib.get_close_matches(command.name, known, 1)
        hint = f"did you mean `{near[0]}`?" if near else None
        return LoopedError(f"no {what} named `{command.name[:60]}`", command.span, hint)


def _note(context: _Context) -> str | None:
    if context.expanding is None:
        return None
    return f"in the expansion of `{context.expanding}` at {context.origin}"
