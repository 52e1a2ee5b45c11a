"""Whether a condition on the bits of a pass holds in any reachable state of the pass.

Most claims hold for bits of any signs. Some hold only because bits depend on each other: the kinds
of instructions exclude each other, and a sum that is gated by one of them is zero under all others.
Such a claim leaves a condition under which it fails. Bit by bit, the earliest first, the proof
conjoins the condition with the bits' definitions. It ends when no state is left, or only bits that
are free: those of cells, and of the state in which the pass begins. A bit has one name throughout a
pass, so it does not matter which phase makes it.

A first round sees through decisions only: of a bit that is made from operands, which heads of later
blocks read, it keeps what follows for all operands. That is cheap and mostly enough. A second round
sees through all bits.

A guard that fails ends the pass, so no claim after it need hold where it fails. Both rounds use the
guards over bits of the condition only: these add no variables. Besides, the proof looks for one
guard that fails wherever the condition holds. Many lanes of FLEQ are ±1 only because it has at most
one mode. That follows from earlier passes, never from this one. The code guards each such lane, and
the guard reads bits that cancel in the condition.

Some claims need both. A lane of RV32IMA's result is ±1 because its parts exclude each other: those
of a store by their definitions, those of the timer and of traps by what earlier passes leave. The
guard of the lane fails where the latter overlap. So the proof sees through what a guard leaves of
the condition, too.
"""

from __future__ import annotations

from looped.diagrams import Diagrams, Node, TooLarge
from looped.verify.translation.definitions import Definition
from looped.verify.translation.lifted_pass import Guard, LiftedPass
from looped.verify.translation.reader import BitName, Reader, is_bit

__all__ = ["Reachable"]

_ENOUGH = 40_000
"""Nodes of a space after which the condition moves to a new one, which drops unused nodes."""

_NEAR = 2
"""Guards that are tried before the second round, which takes longer than a guard: the claims of
RV32IMA need the nearest one."""


class Reachable:
    """The proof that a condition is impossible between two cuts of a pass.

    The condition comes from `space`, where it may have variables of any other kind: they are free.
    Guards in the code before `end` count.
    """

    def __init__(
        self, lifted_pass: LiftedPass, cut: int, end: int, space: Diagrams, condition: Node
    ) -> None:
        self.lifted_pass = lifted_pass
        self.cut = cut
        self.end = end
        self.definitions = lifted_pass.definitions
        self.guards = [g for c in range(cut + 1) for g in lifted_pass.guards(c) if g.at < end]
        self.claim = space, condition
        self.readers: dict[int, Reader] = {}
        self._begin()

    def possible(self) -> bool:
        """Whether the condition may hold: False is a proof; True only says that no proof was
        found."""
        if not self._remains(complete=False):
            return False
        guards = self._related()
        return (
            not any(map(self._excludes, guards[:_NEAR]))
            and self._remains(complete=True)
            and not any(map(self._excludes, guards[_NEAR:]))
        )

    def _remains(self, complete: bool) -> bool:
        """Whether a round leaves some state of the condition."""
        try:
            self._see_through(complete)
        except TooLarge:
            self._begin()
        return self.condition != self.space.zero

    def _begin(self) -> None:
        """Begin with the condition before anything is seen through."""
        self.space, self.condition = self.claim
        self._move(self._first())

    def _related(self) -> list[Guard]:
        """The guards that share bits with the condition; those of nearly the same bits first."""
        space, condition = self.claim
        there = self.lifted_pass.numbers.among(space.support(condition))
        related = [guard for guard in self.guards if guard.sources & there]
        related.sort(key=lambda guard: (guard.sources ^ there).bit_count())
        return related

    def _excludes(self, guard: Guard) -> bool:
        """Whether no state of the condition is left in which a guard does not fail."""
        old, condition = self.claim
        space = Diagrams()
        names = old.support(condition)
        for name in (name for name in old.names if name in names):
            space.variable(name)
        try:
            fails = self.lifted_pass.reader(guard.cut, space).bit(guard.value, guard.place)
            whole = space.copied(old, condition)
            left = space.times(whole, space.negated(fails))
            if left in (whole, space.zero):
                return left == space.zero
            rest = Reachable(self.lifted_pass, self.cut, self.end, space, left)
            return not rest._remains(complete=False)
        except TooLarge:
            return False

    def _first(self) -> list[object]:
        """The bits that decisions are made from. They come first in the order of variables."""
        base: set[BitName] = set()
        for bit in self._made():
            if self.definitions.is_early(bit):
                found = self.definitions.complete(bit)
                base |= {name for name in found.space.support(found.ones) if is_bit(name)}
        return list[object](sorted(base))

    def _move(self, first: list[object]) -> None:
        """Continue in a new space, with some variables before all others."""
        old, space = self.space, Diagrams()
        names = old.support(self.condition)
        for name in (*first, *(name for name in old.names if name in names)):
            space.variable(name)
        self.condition = space.copied(old, self.condition)
        self.space = space
        self.readers.clear()

    def _made(self) -> list[BitName]:
        """The bits of the condition that are made from others, the earliest first."""
        names = filter(is_bit, self.space.support(self.condition))
        made = (name for name in names if self.definitions.is_made(name))
        return sorted(made, key=lambda name: (self.lifted_pass.made(name[1]), name))

    def _see_through(self, complete: bool) -> None:
        """Conjoin the condition with the definitions of all bits that it depends on.

        A bit is eliminated once its whole definition is known."""
        definitions = self.definitions
        find = definitions.complete if complete else definitions.loose
        seen: set[BitName] = set()
        used: set[Guard] = set()
        while self.condition != self.space.zero:
            self._look_at_guards(used)
            bit = next(
                (
                    b
                    for b in self._made()
                    if b not in seen and (complete or not definitions.is_operand(b))
                ),
                None,
            )
            if bit is None:
                break
            definition = find(bit)
            self._join(self._relation(bit, definition))
            if definition.complete:
                self.condition = self.space.greatest(self.condition, [bit])
            else:
                seen.add(bit)
            if self.space.size > _ENOUGH:
                self._move(self.space.names)

    def _look_at_guards(self, used: set[Guard]) -> None:
        """Exclude the states in which a guard fails, for guards that depend only on bits of the
        condition."""
        there = self.lifted_pass.numbers.among(self.space.support(self.condition))
        for guard in self.guards:
            if guard not in used and not guard.sources & ~there:
                used.add(guard)
                if guard.cut not in self.readers:
                    self.readers[guard.cut] = self.lifted_pass.reader(guard.cut, self.space)
                fails = self.readers[guard.cut].bit(guard.value, guard.place)
                self._join(self.space.negated(fails))

    def _join(self, other: Node) -> None:
        self.condition = self.space.times(self.condition, other)

    def _relation(self, bit: BitName, definition: Definition) -> Node:
        """The relation of a bit to those that it is made from."""
        space, own = self.space, self.space.variable(bit)
        ones = space.copied(definition.space, definition.ones)
        zeros = space.copied(definition.space, definition.zeros)
        return space.maximum(space.times(own, ones), space.times(space.negated(own), zeros))
