"""Checkpoints of a run, and the output that they vouch for.

Output is delivered between two checkpoints, both written before: the first one has the bytes that
are about to be delivered, the second one no longer has them. So a kill loses no byte. Nor does a
byte come twice if the resumed run continues the same regular file, whose size says what arrived;
elsewhere those bytes do that were delivered just between the two.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from looped.files import Replacement
from looped.run.checkpoint import Checkpoint, Identity, prepare_checkpoint
from looped.run.computer import Computer
from looped.run.streams import Input, Output

__all__ = ["Recorder"]

_MOST_HELD = 1 << 20
"""Bytes of held output that make a checkpoint necessary: it bounds memory."""


class Recorder:
    """Writes the checkpoints of one run to a file.

    It wants one every so many instructions; with None, only the one at the end. Raises FileError,
    at once for a file that cannot be written.
    """

    def __init__(
        self,
        path: Path,
        every: int | None,
        identity: Identity,
        computer: Computer,
        source: Input,
        output: Output,
    ) -> None:
        Replacement(path, b"").discard()
        self.path = path
        self.every = every
        self.identity = identity
        self.computer = computer
        self.source = source
        self.output = output
        self.recorded = 0
        output.held = every is not None and not output.on_terminal()

    def wants(self, steps: int) -> bool:
        """Whether it is time for a checkpoint, after so many instructions."""
        if self.every is None:
            return False
        full = self.output.held and len(self.output.pending) > _MOST_HELD
        return full or steps - self.recorded >= self.every

    def record(self, steps: int) -> None:
        """Write a checkpoint after so many instructions, and deliver the output before it."""
        now = self._checkpoint(steps)
        leaving = b"" if self.output.stream is None else self.output.kept
        after = dataclasses.replace(
            now,
            delivered=now.delivered + len(leaving),
            pending=now.pending[len(leaving) :],
            place=now.place and (*now.place[:2], now.place[2] + len(leaving)),
        )
        last = prepare_checkpoint(self.path, after)
        try:
            if leaving:
                prepare_checkpoint(self.path, now).commit()
                self.output.deliver()
                self.output.sync()
        except BaseException:
            last.discard()
            raise
        last.commit()
        self.recorded = steps

    def _checkpoint(self, steps: int) -> Checkpoint:
        return Checkpoint(
            identity=self.identity,
            snapshot=self.computer.snapshot(),
            steps=steps,
            consumed=self.source.position,
            input_sha256=self.source.sha256,
            delivered=self.output.delivered,
            pending=bytes(self.output.pending),
            place=self.output.place(),
        )
