"""One loop of two workers at once: the lanes that agree are there once, the private ones twice.

What the circuit says of a worker it says of the other, with its own lanes in place of the private
ones. So whether two workers can do something together is a question about one circuit, which
`reachable` answers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from looped.circuit.circuit import Invariant, Read
from looped.circuit.signals import Condition, Gated, Signal
from looped.circuit.words import Form, Lane, Word
from looped.verify.certificate.agreement import Agreement
from looped.verify.certificate.context import ProofContext

__all__ = ["OtherLane", "TwoWorkers"]


@dataclasses.dataclass(frozen=True, slots=True)
class OtherLane(Lane):
    """A private lane of the second worker. It equals no lane of a circuit, whatever its name."""

    def __str__(self) -> str:
        return f"another worker's {self.word}.{self.index}"


@dataclasses.dataclass(frozen=True)
class TwoWorkers:
    """Two workers in the same loop; `others` maps each private lane to that of the second one."""

    agreement: Agreement
    others: Mapping[Lane, Lane]

    @classmethod
    def of(cls, agreement: Agreement) -> TwoWorkers:
        """Any two workers, with what may differ between them."""
        private = agreement.private
        return cls(agreement, {lane: OtherLane(lane.word, lane.index) for lane in private})

    def other(self, lane: Lane) -> Lane:
        """A lane of the second worker."""
        return self.others.get(lane, lane)

    def context(self) -> ProofContext:
        """The circuit of both: their definitions, reads and invariants."""
        one = self.agreement.context
        definitions, made = dict(one.definitions), dict(one.schedule.made)
        for lane, other in self.others.items():
            made[other] = one.schedule.made[lane]
            if lane in one.definitions:
                definitions[other] = self._signal(one.definitions[lane])
        circuit = dataclasses.replace(
            one.circuit,
            reads=[*one.circuit.reads, *map(self._read, one.circuit.reads)],
            invariants=[*one.circuit.invariants, *map(self._invariant, one.circuit.invariants)],
        )
        schedule = dataclasses.replace(one.schedule, made=made)
        return dataclasses.replace(one, circuit=circuit, schedule=schedule, definitions=definitions)

    def _word(self, word: Word) -> Word:
        return Word(word.name, tuple(map(self.other, word)))

    def _read(self, read: Read) -> Read:
        return dataclasses.replace(
            read,
            address=self._word(read.address),
            port=None if read.port is None else self._word(read.port),
            result=self._word(read.result),
            onto=None if read.onto is None else self._word(read.onto),
            when=None if read.when is None else self._word(read.when),
        )

    def _invariant(self, invariant: Invariant) -> Invariant:
        return dataclasses.replace(invariant, condition=self._condition(invariant.condition))

    def _condition(self, condition: Condition) -> Condition:
        return Condition(self._form(condition.form), condition.threshold)

    def _form(self, form: Form) -> Form:
        return Form({self.other(lane): c for lane, c in form.terms.items()}, form.constant)

    def _signal(self, signal: Signal) -> Signal:
        gated = (Gated(self._condition(t.condition), self._form(t.form)) for t in signal.gated)
        return Signal(self._form(signal.linear), tuple(gated))
