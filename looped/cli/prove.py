"""prove: show that the circuit of a machine is its manual."""

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

The reference's own code is executed with unknown integers, along every path through it; the
circuit is turned into formulas by its definition; and a solver shows for each path that both
leave the same state behind: program counter, registers, memory, flags, output, traps and their
causes. `looped certify` shows that the weights are the circuit, so both together that the
weights are the manual. Where it is not so, a state is printed, and what the circuit's weights
and the reference make of it; the exit code is then 8.

It needs the solver Z3: pip install 'looped[prove]'.

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
    help=f"Words of memory, a power of two; by default {api.DEFAULT_MEMORY:,}, or all there can be "
    "with short words.",
)
@click.option(
    "--dtype",
    type=click.Choice(list(PRECISIONS)),
    default="float32",
    help="The arithmetic that the circuit's adders are cut for.",
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
    told = {"machine": machine, "width": width, "memory": memory, **_proof(circuit, as_json)}
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(
        f"{machine}, {width} bits, {memory:,} words: the circuit is the manual. "
        f"{told['claims']:,} claims in {told['cases']:,} cases, {told['seconds']:.1f} s."
    )


def _proof(circuit: Circuit, as_json: bool) -> dict[str, object]:
    """Prove it, or raise ProofError with what both sides make of the state that refutes it."""
    from looped.verify.prove.counterexample import differences
    from looped.verify.prove.prover import Refuted
    from looped.verify.prove.prover import prove as show

    try:
        with progress(f"prove {circuit.name}") as line:
            proof = show(circuit, lambda case: line.note(f"prove {circuit.name}: {case}"))
    except Refuted as refuted:
        found = [str(difference) for difference in differences(circuit, refuted.state)]
        if as_json:
            told = {"equal": False, "case": refuted.case, "claim": refuted.claim}
            click.echo(json.dumps({**told, "state": str(refuted.state), "differences": found}))
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
