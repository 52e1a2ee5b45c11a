"""Names: the current meaning of each during reading, and suggestions for unknown ones."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from looped.errors import LoopedError, Span
from looped.lang.gnu.literals import LONGEST_NAME
from looped.lang.gnu.nodes import Anchor, Node, Symbol

__all__ = ["Names"]

_MOST_SUGGESTIONS = 100
_LONGEST_SEARCH = 5000
"""With more names than this there are no suggestions: a search takes time."""


@dataclass
class Names:
    """The symbols of a source during reading."""

    table: dict[str, Symbol] = field(default_factory=dict)
    constants: list[Symbol] = field(default_factory=list)
    _last: dict[str, Symbol] = field(default_factory=dict)
    _next: dict[str, Symbol] = field(default_factory=dict)
    _suggested: int = 0

    def refer(self, name: str) -> Symbol:
        """The symbol of a name at this place; before its first definition, that definition."""
        symbol = self.table.get(name)
        if symbol is None:
            symbol = self.table[name] = Symbol(name)
        return symbol

    def numbered(self, name: str) -> Symbol:
        """The symbol of `1b`, the last label `1:`, or of `1f`, the next."""
        number = str(int(name[:-1]))
        if name[-1] == "b":
            return self._last.get(number) or Symbol(name)
        return self._next.setdefault(number, Symbol(name))

    def label(self, name: str, span: Span, anchor: Anchor) -> None:
        """Define a label here. Raises LoopedError if there is a symbol of that name."""
        if len(name) > LONGEST_NAME:
            raise LoopedError(
                f"this name has {len(name)} characters", span, f"at most {LONGEST_NAME}"
            )
        if name.isascii() and name.isdigit():
            number = str(int(name))
            symbol = self._next.pop(number, None) or Symbol(name)
            self._last[number] = symbol
        else:
            symbol = self.refer(name)
            if symbol.is_defined:
                raise LoopedError(f"`{name}` is defined twice", span, f"first at {symbol.span}")
        symbol.span, symbol.anchor = span, anchor

    def set(self, name: str, span: Span, value: Node, anchor: Anchor) -> None:
        """Set the value of a symbol. It may be set again; earlier uses keep the old value. Raises
        LoopedError if there is a label of that name."""
        symbol = self.refer(name)
        if symbol.is_defined:
            if symbol.value is None:
                raise LoopedError(f"`{name}` is defined twice", span, f"first at {symbol.span}")
            symbol = self.table[name] = Symbol(name, weak=symbol.weak)
        symbol.span, symbol.value, symbol.anchor = span, value, anchor
        self.constants.append(symbol)

    def public(self) -> list[Symbol]:
        """The symbols with names that are not local."""
        return [s for name, s in self.table.items() if s.is_defined and name[0] != "."]

    def unknown(self, name: str, span: Span) -> LoopedError:
        """The error for a name that nothing defines."""
        if name[0].isdigit():
            where = "before" if name[-1] == "b" else "after"
            return LoopedError(f"there is no label `{name[:-1]}:` {where} this", span)
        return LoopedError(f"no label named `{name}`", span, self._near(name))

    def _near(self, name: str) -> str | None:
        """A suggestion for an unknown name; None after many suggestions."""
        self._suggested += 1
        if self._suggested > _MOST_SUGGESTIONS or len(self.table) > _LONGEST_SEARCH:
            return None
        known = [other for other, symbol in self.table.items() if symbol.is_defined]
        near = difflib.get_close_matches(name, known, 1)
        if not near:
            return None
        return f"did you mean `{near[0]}`, defined at {self.table[near[0]].span}?"
