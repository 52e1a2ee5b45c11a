"""train: learning on the same core, task by task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click

from looped.cli.pages import page_option, shown_in
from looped.cli.progress import progress

__all__ = ["train"]

_TRAIN = """Train transformers on the core, and measure what they learn.

Each task prints tables in Markdown. A seed determines every number on one number of threads.

\b
Examples:
  looped train machine --out build/machine
  looped train circuit
  looped train noise
  looped train clusters
  looped train recall --seeds 1 --steps 200
  looped train length parity
"""


@click.group(help=_TRAIN)
def train() -> None:
    """The group of tasks."""


def _shared(command: Callable[..., str]) -> Callable[..., None]:
    """--seed, --threads, --device and --page; the command returns its tables."""

    @wraps(command)
    def run(*, threads: int, page: Path | None, **given: Any) -> None:
        from looped.engines.torch_threads import on_threads
        from looped.learn.harness import require_device

        section = _section(given)
        show = shown_in(page, section)
        if "device" in given:
            require_device(given["device"])
        with on_threads(threads):
            text = command(**given)
        show(section, text)

    options = (
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True),
        click.option(
            "--threads",
            type=click.IntRange(1),
            default=1,
            show_default=True,
            help="Threads of PyTorch: their number decides the order of sums.",
        ),
        page_option("`<!-- TASK -->`"),
    )
    for option in options:
        run = option(run)
    return run


def _section(given: dict[str, Any]) -> str:
    """The section of a page: the task, the problem if there are several, `parts`, `no hints`."""
    name = click.get_current_context().info_name or ""
    name += f" {given['problem']}" if "problem" in given else ""
    name += " parts" if given.get("parts", False) else ""
    return name + ("" if given.get("hints", True) else " no hints")


_device = click.option(
    "--device", default="cpu", show_default=True, metavar="NAME", help="cpu, cuda, cuda:1, …"
)


@contextmanager
def _shown(title: str, steps: int) -> Iterator[Any]:
    from looped.learn.harness import live

    with live(title, steps) as show:
        yield show


_MACHINE = """Learn the SUBLEQ machine with 8-bit words and 32 words of memory, from its states.

A transformer of at most eight times the compiled size sees states before and after single loops of
random programs. As hints, linear maps of the CPU column have to give the words that a loop reads:
after the first block those at the program counter, after the second one those at their addresses.
Without hints the next state is the only target.

Tables: the curve, exact loops by kind of instruction, and loops on its own output before the first
wrong bit, without and with a snap, beside the compiled machine. With --out the run leaves metrics
and checkpoints in a folder, from which --resume continues. 1,000 steps take a CPU minute.

\b
Examples:
  looped train machine --out build/machine
  looped train machine --out build/machine --resume
  looped train machine --no-hints --steps 3000
"""


@train.command(help=_MACHINE)
@click.option("--steps", type=click.IntRange(1), default=12000, show_default=True)
@click.option("--hints/--no-hints", default=True, show_default=True, help="Words read, as targets.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER")
@click.option("--resume", is_flag=True, help="Continue the run in the folder.")
@_device
@_shared
def machine(seed: int, steps: int, hints: bool, out: Path | None, resume: bool, device: str) -> str:
    """Learn a machine from its states."""
    from looped import api
    from looped.learn import harness
    from looped.learn.machine.job import MachineJob
    from looped.learn.machine.report import report

    if resume and out is None:
        raise click.UsageError("--resume needs --out, the folder of the run")
    compiled = api.compile_machine("subleq", 8, 32)
    job = MachineJob(compiled, seed, device, hints)
    about = {"task": "machine", "seed": str(seed), "steps": str(steps), "hints": str(hints)}
    plan = harness.Plan(
        harness.Schedule(steps, _MACHINE_RATE),
        every=max(1, steps // 40),
        saves=max(1, steps // 10),
        folder=out,
        about=about,
        resume=resume,
    )
    with _shown("machine", steps) as shown:
        metrics = harness.train(job, plan, shown)
    return report(compiled, job, metrics)


_MACHINE_RATE = 3e-3
"""At this rate a single head learns to fetch a word within 400 steps."""


_CIRCUIT = """Which circuit does descent find in place of a compiled head, group or block?

Of the SUBLEQ machine with 8-bit words and 32 words of memory, each head, each group of hidden units
and each block gets random weights and is trained alone, on what the rest of the machine gives it in
loops of random programs. The table says whether the found part is right in fresh loops, whether its
heads are one-hot and attend to the columns of the compiled ones, how many of its units are
thresholds of sums, and whether the certificate accepts the machine with the rounded part.

\b
Examples:
  looped train circuit
"""


@train.command(help=_CIRCUIT)
@click.option("--steps", type=click.IntRange(1), default=1000, show_default=True)
@_shared
def circuit(seed: int, steps: int) -> str:
    """Train each part of a compiled machine again, alone."""
    from looped import api
    from looped.learn.circuits.verdict import report

    machine = api.compile_machine("subleq", 8, 32)
    with progress("train circuit") as line:
        return report(machine, steps, seed, line.note)


_NOISE = """Add noise to the weights of a compiled machine and train it back; turn its basis.

The machine is SUBLEQ with 8-bit words and 32 words of memory. First table: exact loops with
Gaussian noise σ on every weight, before and after training on loops of random programs. Second
table: the machine in a random basis of its residual stream. This is the same function, but its
sums round. With --out the folder gets `rotated.safetensors`, the weights for a blind test of tools
for interpretability, and `key.safetensors`, the rotation.

\b
Examples:
  looped train noise --out build/blind
"""


@train.command(help=_NOISE)
@click.option("--steps", type=click.IntRange(1), default=100, show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER")
@_shared
def noise(seed: int, steps: int, out: Path | None) -> str:
    """Add noise to compiled weights, and turn their basis."""
    from looped import api
    from looped.learn.noise.report import report

    machine = api.compile_machine("subleq", 8, 32)
    with progress("train noise") as line:
        return report(machine, steps, seed, out, line.note)


_CLUSTERS = """Count clusters of tokens under iterated attention, and what noise does to a machine.

Nothing is trained. Four tables: tokens on the sphere, by dimension, time and β; the life of
address codes under attention to themselves; the factor by which one loop of a compiled machine
amplifies noise; and how long the machine survives fresh noise, without and with snaps.

\b
Examples:
  looped train clusters
"""


@train.command(help=_CLUSTERS)
@click.option("--runs", type=click.IntRange(1), default=8, show_default=True)
@_shared
def clusters(seed: int, runs: int) -> str:
    """Count clusters of tokens, and measure a machine under noise."""
    from looped import api
    from looped.learn.clusters.report import report

    machine = api.compile_machine("subleq", 8, 32)
    with progress("train clusters") as line:
        return report(machine, seed, runs, line.note)


_LENGTH = """Train a looped block and a stack of six blocks on PROBLEM, to 20 places; test to 60.

PROBLEM is `parity` or `addition`. The looped block gets its input again in each loop. It runs one
loop per place, or halts by confidence: the answers are those of its most confident loop. The table
has the mean ± standard deviation over the seeds. With --parts, looped blocks that lack one
ingredient each stand beside the whole one.

\b
Examples:
  looped train length parity
  looped train length addition --seeds 1 --steps 300
  looped train length parity --parts --seeds 1
"""


@train.command(help=_LENGTH)
@click.argument("problem", type=click.Choice(["parity", "addition"]))
@click.option("--steps", type=click.IntRange(1), default=400, show_default=True)
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--parts", is_flag=True, help="Take away each ingredient once.")
@_device
@_shared
def length(seed: int, problem: str, steps: int, seeds: int, parts: bool, device: str) -> str:
    """Train on short inputs, test on long ones."""
    from looped.learn.length.problems import PROBLEMS
    from looped.learn.length.report import report
    from looped.learn.length.study import ablation, generalisation

    study = ablation if parts else generalisation
    found = []
    with _shown(f"length {problem}", steps) as shown:
        for each in range(seed, seed + seeds):
            found += study(PROBLEMS[problem], steps, each, device=device, shown=shown)
    return report(found)


_RECALL = """Train the core on streams of `write(variable, value)` and `read(variable)`.

The training check of all variants: 32 events, 8 variables, 16 values; two blocks of width 64 with
four heads. It prints the accuracy on reads after 200 steps and at the end, mean ± standard
deviation over the seeds.

\b
Examples:
  looped train recall
"""


@train.command(help=_RECALL)
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--steps", type=click.IntRange(1), default=1000, show_default=True)
@_device
@_shared
def recall(seed: int, seeds: int, steps: int, device: str) -> str:
    """Train the core on reads of variables."""
    from looped.learn.markdown import table
    from looped.learn.recall import check
    from looped.learn.recall.check import plain

    found = check(plain, range(seed, seed + seeds), steps, device=device)
    head = ["stack", "parameters", *(f"step {mark:,}" for mark in found.accuracy)]
    return table(head, [["the core", f"{found.parameters:,}", *str(found).split(" → ")]])
