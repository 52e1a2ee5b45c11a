"""The symbol table: labels, constants, and suggestions for unknown names."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from looped.errors import LoopedError, Span
from looped.lang.ast import Symbol, Text
from looped.lang.expressions import Bound, evaluate
from looped.lang.items import Item

__all__ = ["SymbolTable"]

_DEEPEST_CHAIN = 50
_MOST_SUGGESTIONS = 100
_LONGEST_SEARCH = 5000
"""With more names than this there are no suggestions: a search takes time."""


@dataclass
class SymbolTable:
    """Names and their values; keys are those of `Scope.key`."""

    _labels: dict[str, int] = field(default_factory=dict)
    _constants: dict[str, Bound] = field(default_factory=dict)
    _values: dict[str, int] = field(default_factory=dict)
    _spans: dict[str, Span] = field(default_factory=dict)
    _evaluating: list[str] = field(default_factory=list)
    _suggested: int = 0

    def define(self, item: Item) -> None:
        """Define a label or a constant. Raises LoopedError if the name has a definition."""
        first = self._spans.get(item.key)
        if first is not None:
            name = item.key[item.key.find("@") :] if "@" in item.key else item.key
            raise LoopedError(f"`{name}` is defined twice", item.span, f"first at {first}")
        self._spans[item.key] = item.span
        if item.kind == "label":
            return
        value = item.arguments[0]
        if isinstance(value, Text):
            raise LoopedError(f"{item.kind} needs a number", value.span)
        self._constants[item.key] = value

    def move(self, key: str, address: int) -> None:
        """Set the address of a label; discard the values of constants, which may depend on it."""
        self._labels[key] = address
        self._values.clear()

    def constants(self) -> list[str]:
        """The keys of all constants."""
        return list(self._constants)

    def number(self, bound: Bound) -> int:
        """The value of an expression. Raises LoopedError."""
        return evaluate(bound, self.look_up)

    def look_up(self, key: str, symbol: Symbol | None = None) -> int:
        """The value of a name; `symbol` is its use. Raises LoopedError."""
        if key in self._labels:
            return self._labels[key]
        if key in self._values:
            return self._values[key]
        if key in self._constants:
            return self._constant(key)
        assert symbol is not None
        if key in self._spans:
            raise LoopedError(f"`{symbol.name}` is not known here yet", symbol.span)
        raise self._unknown(key, symbol)

    def public(self) -> dict[str, int]:
        """The names that are not local."""
        everything = {**self._labels, **self._values}
        return {k: v for k, v in everything.items() if not {"@", "!"} & set(k)}

    def _constant(self, key: str) -> int:
        if key in self._evaluating:
            raise LoopedError(f"constant `{key}` depends on itself", self._spans[key])
        if len(self._evaluating) >= _DEEPEST_CHAIN:
            message = f"constant `{key}` depends on a chain of more than {_DEEPEST_CHAIN} others"
            raise LoopedError(message, self._spans[key])
        self._evaluating.append(key)
        try:
            value = evaluate(self._constants[key], self.look_up)
        finally:
            self._evaluating.pop()
        self._values[key] = value
        return value

    def _unknown(self, key: str, symbol: Symbol) -> LoopedError:
        return LoopedError(f"no label named `{symbol.name}`", symbol.span, self._near(key, symbol))

    def _near(self, key: str, symbol: Symbol) -> str | None:
        """A suggestion for an unknown name; None after many suggestions."""
        self._suggested += 1
        if self._suggested > _MOST_SUGGESTIONS or len(self._spans) > _LONGEST_SEARCH:
            return None
        own = key.removesuffix(symbol.name)
        known = {k.removeprefix(own) if own else k: k for k in self._spans if k.startswith(own)}
        known = {name: k for name, k in known.items() if "!" not in name}
        near = difflib.get_close_matches(symbol.name, known, 1)
        if not near:
            return None
        return f"did you mean `{near[0]}`, defined at {self._spans[known[near[0]]]}?"
