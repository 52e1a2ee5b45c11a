"""Story: what the page says of a run beside its loops, as values that JSON can hold."""

from __future__ import annotations

import json
from pathlib import Path

from looped.artefact.plan import Plan
from looped.errors import FileError
from looped.lang.sources import read_source
from looped.registry import machine
from looped.view.collect import Instruction, Run
from looped.view.pack import LOOPS, unit_counts

__all__ = ["story"]


def story(run: Run, name: str) -> bytes:
    """The JSON of a run of the program `name`."""
    plan, image = run.plan, run.image
    places = [image.location(pc) for pc, _, _ in run.code]
    files = dict.fromkeys(place.file for place in places if place is not None)
    numbers = {file: number for number, file in enumerate(files)}
    told = {
        "name": name,
        "machine": plan.machine,
        "width": plan.width,
        "memory": plan.memory,
        "unit": image.addresses_per_word,
        "bases": image.regions.bases,
        "columns": [plan.column_name(column) for column in range(plan.memory, plan.columns)],
        "registers": _register_names(plan),
        "cpus": [plan.cpus.start, plan.cpus.stop],
        "kept": {word: plan.words[word] for word in plan.registers},
        "lanes": plan.d_model,
        "phases": [_words(plan, phase) for phase in range(-1, 2 * len(plan.blocks))],
        "blocks": [_block(plan, number) for number in range(len(plan.blocks))],
        "units": unit_counts(plan),
        "symbols": dict(image.symbols),
        "labels": image.labels,
        "code": [
            [pc, text, -1 if place is None else numbers[place.file], place.line if place else 0]
            for (pc, text, _), place in zip(run.code, places, strict=True)
        ],
        "files": [[_shown(file), _lines(file)] for file in files],
        "words": run.words,
        "steps": [_step(each) for each in run.instructions],
        "unfinished": None if run.unfinished is None else _step(run.unfinished),
        "loops": run.loops,
        "chunk": LOOPS,
        "ended": run.ended,
        "final": run.final,
    }
    return json.dumps(told, separators=(",", ":")).encode()


def _step(step: Instruction) -> tuple[object, ...]:
    return (
        *(step.code, step.loop, step.reads, step.writes),
        *(step.output, step.consumed, step.cause),
    )


def _register_names(plan: Plan) -> list[str]:
    """The names of the registers of the file: its number, and the last of its other names."""
    names = [plan.column_name(plan.memory + number) for number in range(plan.n_registers)]
    for name, number in machine(plan.machine).register_numbers.items():
        own = names[number].split(" ")[0]
        names[number] = own if name == own else f"{own} {name}"
    return names


def _words(plan: Plan, phase: int) -> list[tuple[str, list[int]]]:
    """The words that the CPU column holds after a phase, each with the lanes of its bits.

    Those of this loop come first, then those that the CPU keeps, then those that never change.
    """
    held: dict[str, dict[int, int]] = {}
    for lane in range(plan.d_model):
        occupant = plan.occupant(lane, phase)
        if occupant is not None:
            word, _, bit = occupant.rpartition(".")
            held.setdefault(word, {})[int(bit)] = lane
    for word, lanes in plan.words.items():
        taken = {lane for bits in held.values() for lane in bits.values()}
        if word not in held and not taken.intersection(lanes):
            held[word] = dict(enumerate(lanes))
    order = sorted(held, key=lambda word: (word in plan.words, word not in plan.registers))
    return [(word, [held[word][bit] for bit in sorted(held[word])]) for word in order]


def _block(plan: Plan, number: int) -> dict[str, object]:
    """The heads and groups of a block, as the page names them."""
    block = plan.blocks[number]
    return {
        "heads": [
            {
                "name": head.name,
                "meaning": head.meaning,
                "words": [
                    ", ".join(each) for each in (head.query, head.key, head.value, head.output)
                ],
                "margin": head.margin,
            }
            for head in block.heads
        ],
        "groups": [
            {
                "name": group.name,
                "units": group.units,
                "reads": list(dict.fromkeys(word.partition("[")[0] for word in group.reads)),
            }
            for group in block.groups
        ],
    }


def _shown(file: str) -> str:
    return Path(file).name


def _lines(file: str) -> list[str]:
    """The lines of a source file; none if it cannot be read, as that of an ELF file."""
    try:
        return read_source(Path(file)).text.splitlines()
    except FileError:
        return []
