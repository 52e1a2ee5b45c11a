"""Recorder: writes the checkpoints of a run, and delivers its output between them.

To deliver output, it first prepares two checkpoints: one in which these bytes are pending, and one
in which they are delivered. It commits the first one, delivers the bytes, and commits the second
one. So a kill loses no byte. If the resumed run continues the same regular file, its size says
which bytes arrived, and no byte comes twice. On any other stream, bytes can come twice if the kill
falls between the two commits.
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
"""Bytes of held output that make a checkpoint due: the limit bounds the memory that they take."""


class Recorder:
    """Writes the checkpoints of one run to a file.

    A checkpoint is due after every `every` instructions; with None, only at the end of the run.
    Raises FileError; if the file cannot be written, already when the recorder is made.
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
        """Whether a checkpoint is due after `steps` instructions."""
        if self.every is None:
            return False
        full = self.output.held and len(self.output.pending) > _MOST_HELD
        return full or steps - self.recorded >= self.every

    def record(self, steps: int) -> None:
        """Write a checkpoint after `steps` instructions, and deliver the output up to it."""
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
