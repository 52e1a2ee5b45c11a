"""prove: show that the circuit of a machine equals its reference."""

from __future__ import annotations

import importlib.util
import json

import click

from looped import api, registry
from looped.circuit.circuit import Circuit
from looped.cli.options import json_option
from looped.cli.progress import progress
from looped.errors import ProofError
from looped.precision import PRECISIONS

__all__ = ["prove"]


_HELP = """Prove that one loop of a machine's circuit is one step of the reference, in every state.

It executes the reference's own code on symbolic integers, along every path. It turns the circuit
into formulas by its definition. For each path a solver shows that both reach the same state:
program counter, registers, memory, flags, output, traps and their causes. `looped certify` shows
that the weights are the circuit. So both commands together show that the weights equal the
reference. If a claim fails, the command prints a state, and what the circuit's weights and the
reference do in it; the exit code is then 8.

The command needs the solver Z3: pip install 'looped[prove]'.

\b
Examples:
  looped prove subleq --width 8
  looped prove subleq --width 16 --memory 32768 --dtype bfloat16
  looped prove rv32i --json
"""


def _known(name: str) -> str:
    """The name of a machine that is registered."""
    if name not in registry.names():
        known = ", ".join(map(repr, registry.names()))
        raise click.BadParameter(f"{name!r} is not one of {known}.")
    return name


@click.command(help=_HELP)
@click.argument("machine", callback=lambda ctx, argument, name: _known(name), metavar="MACHINE")
@click.option("--width", type=int, metavar="BITS", help="Bits of a word: 8, 16 or 32.")
@click.option(
    "--memory",
    type=int,
    metavar="WORDS",
    help=f"Words of memory, a power of two; by default {api.DEFAULT_MEMORY:,}, or as many as the "
    "width allows.",
)
@click.option(
    "--dtype",
    type=click.Choice(list(PRECISIONS)),
    default="float32",
    help="Dtype for which the circuit's adders are cut.",
)
@json_option
def prove(machine: str, width: int | None, memory: int | None, dtype: str, as_json: bool) -> None:
    """Prove that one loop of a machine's circuit is one step of the reference."""
    if importlib.util.find_spec("z3") is None:
        raise ProofError(
            "a proof needs the solver Z3, which is not installed",
            hint="pip install 'looped[prove]'",
        )
    described = registry.machine(machine)
    width = described.language.width if width is None else width
    memory = api.default_memory(machine, width) if memory is None else memory
    circuit = described.circuit(width, memory, None, PRECISIONS[dtype])
    result = {"machine": machine, "width": width, "memory": memory, **_proof(circuit, as_json)}
    if as_json:
        click.echo(json.dumps(result))
        return
    click.echo(
        f"{machine}, {width} bits, {memory:,} words: the circuit is the manual. "
        f"{result['claims']:,} claims in {result['cases']:,} cases, {result['seconds']:.1f} s."
    )


def _proof(circuit: Circuit, as_json: bool) -> dict[str, object]:
    """The counts of a proof. Raises ProofError with a state in which both sides differ."""
    from looped.verify.prove.counterexample import differences
    from looped.verify.prove.prover import Refuted
    from looped.verify.prove.prover import prove as show

    try:
        with progress(f"prove {circuit.name}") as line:
            proof = show(circuit, lambda case: line.note(f"prove {circuit.name}: {case}"))
    except Refuted as refuted:
        found = [str(difference) for difference in differences(circuit, refuted.state)]
        if as_json:
            refutation = {"equal": False, "case": refuted.case, "claim": refuted.claim}
            click.echo(
                json.dumps({**refutation, "state": str(refuted.state), "differences": found})
            )
        raise ProofError(
            f"{circuit.name} is not its manual: {refuted}",
            hint="on the weights, after one loop: " + "; ".join(found) if found else None,
        ) from None
    return {
        "equal": True,
        "cases": proof.cases,
        "claims": proof.claims,
        "seconds": round(proof.seconds, 2),
    }
