"""A batch: one program with many inputs, each as if it ran alone.

On `lifted` every input has a stream of its own in machine code, and threads share them out over the
cores: machine code does not hold the lock of Python. On every other engine the streams are one
batch of one Computer: on `dense` one forward pass advances them all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from looped.artefact.plan import CompiledMachine
from looped.artefact.program import check_program
from looped.devices import ProgramHost, failed_test
from looped.devices.host import ColumnPort
from looped.engines.auto import AutoEngine
from looped.engines.engine import Engine, Shared
from looped.engines.threads import in_threads
from looped.environment import USUAL, Environment
from looped.image import Image
from looped.registry import describe_pc, host_for, unserved_trap
from looped.run.computer import Computer, Event
from looped.run.interrupts import End, Interrupts
from looped.run.session import Session
from looped.run.streams import Output

__all__ = ["Limits", "Outcome", "run_batch"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What ends a run that does not halt: a number of instructions, of bytes of output, a signal
    or a time limit. None stands for no limit."""

    steps: int | None = None
    output: int | None = None
    interrupts: Interrupts = dataclasses.field(default_factory=Interrupts)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program has ended with one input.

    `place` is the program counter `pc` with the instruction there. `exit_code` and `emulated` are
    None for a machine without a host; `trap` says which trap nothing has served, `failure` which
    test of a test program has failed.
    """

    end: End
    steps: int
    pc: int
    place: str
    output: bytes
    exit_code: int | None = None
    emulated: int | None = None
    trap: str | None = None
    failure: str | None = None


def run_batch(
    machine: CompiledMachine,
    image: Image,
    inputs: Sequence[bytes],
    engine: Engine,
    limits: Limits | None = None,
    environment: Environment = USUAL,
    progress: Callable[[int], None] = lambda steps: None,
) -> list[Outcome]:
    """Run a program with each input until it halts or reaches a limit, which is that of each.

    `progress` gets the instructions done over all inputs. Raises CompileError for a program that
    needs other parameters of its machine, and as the engine does.
    """
    limits = Limits() if limits is None else limits
    if not inputs:
        return []
    check_program(image, machine.plan)
    if isinstance(engine, AutoEngine):
        Session(machine, image, engine, inputs[0], environment=environment)
        engine.settle()
        engine = engine.engine
    if not isinstance(engine, Shared):
        with limits.interrupts:
            return _together(machine, image, inputs, engine, limits, environment, progress)
    counts = [0] * len(inputs)
    twins = [engine.twin() for _ in inputs]

    def one(number: int) -> Outcome:
        def note(steps: int) -> None:
            counts[number] = steps
            progress(sum(counts))

        output = Output(limit=limits.output)
        given = machine, image, twins[number], inputs[number], output
        session = Session(*given, limits.interrupts, note, environment)
        session.run(limits.steps)
        assert session.end is not None
        ran = _Ran(session.computer, 0, session.host)
        return _outcome(image, ran, session.end, session.steps, session.output.kept)

    with limits.interrupts:
        return in_threads(one, range(len(inputs)))


def _together(
    machine: CompiledMachine,
    image: Image,
    inputs: Sequence[bytes],
    engine: Engine,
    limits: Limits,
    environment: Environment,
    progress: Callable[[int], None],
) -> list[Outcome]:
    """Run a program with all inputs in one batch, loop by loop."""
    hosts = [host_for(image, data, environment) for data in inputs]
    count = len(inputs)
    words, entries = [image.words] * count, [image.entry] * count
    computer = Computer(machine.plan, engine, words, inputs, entries, hosts)
    outputs = [Output(limit=limits.output) for _ in inputs]
    steps, found = [0] * count, list[Outcome | None]([None] * count)
    limits.interrupts.begin()
    while True:
        for number in range(count):
            if found[number] is None:
                end = _end(computer, number, steps[number], outputs[number], limits)
                if end is not None:
                    kept = outputs[number].kept
                    ran = _Ran(computer, number, hosts[number])
                    found[number] = _outcome(image, ran, end, steps[number], kept)
        done = [outcome for outcome in found if outcome is not None]
        if len(done) == count:
            return done
        for number, event in enumerate(computer.step()):
            if found[number] is None:
                steps[number] += event.retired
                _put(outputs[number], event)
        progress(sum(steps))


def _end(computer: Computer, number: int, steps: int, output: Output, limits: Limits) -> End | None:
    """Why a program of a batch is over, or None."""
    if computer.halted(number):
        return End.OUTPUT if output.exceeded else End.HALTED
    if limits.steps is not None and steps >= limits.steps:
        return End.STEPS
    return End.OUTPUT if output.exceeded else limits.interrupts.end()


def _put(output: Output, event: Event) -> None:
    if event.emitted is not None:
        output.put(bytes([event.emitted]))
    output.put(event.written)


class _Ran(NamedTuple):
    """A program on a computer, and its host."""

    computer: Computer
    stream: int
    host: ProgramHost | None


def _outcome(image: Image, ran: _Ran, end: End, steps: int, output: bytes) -> Outcome:
    computer, host = ran.computer, ran.host
    port = ColumnPort(computer.plan, computer.engine, ran.stream)
    halted = end is End.HALTED
    return Outcome(
        end,
        steps,
        computer.pc(ran.stream),
        describe_pc(image, port),
        output,
        None if host is None else host.exit_code,
        None if host is None else host.emulated,
        unserved_trap(image, host, port) if halted else None,
        failed_test(host) if halted else None,
    )
