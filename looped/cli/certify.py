"""certify: prove from the weights what a machine computes, and in which dtypes it is exact."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click
from rich.console import Console

from looped import api, registry
from looped.cli.certify_causal import certify_causal_folder, certify_causal_program
from looped.cli.options import (
    Wanted,
    json_option,
    machine_options,
    open_both,
    window_option,
)
from looped.cli.progress import progress
from looped.errors import CertificateError
from looped.precision import PRECISIONS
from looped.verify.certificate.claims import Certificate
from looped.verify.certificate.report import as_json, report
from looped.verify.translation import STATEMENT, Translation

__all__ = ["certify"]


_HELP = """Prove from the weights that a machine computes its circuit, exactly, for all states.

It samples nothing. Exact arithmetic gives the ranges and grids of all sums. Decision diagrams over
all ±1 states show what every head and every MLP computes; a block with few states also runs in each
of them. The verdicts say in which dtypes no sum, no softmax and no norm can round. A machine given
by name is compiled for --dtype. The exit code is 8 if the machine is not certified in that dtype.

--lifted also proves that the code of the lifted engine equals the weights: the code with which a
run of the program begins or, for a machine given by name, the code for a memory of random words.
RV32I and FLEQ take 20 seconds. The exit code is also 8 if the code differs, or if the proof does
not succeed.

--causal proves the same of the language model that `looped generate` runs: for every text within
its context, the token that is due wins. A folder of `looped export --format causal` is proved from
its files.

\b
Examples:
  looped certify subleq --width 16
  looped certify subleq --width 8 --memory 256 --dtype bfloat16
  looped certify sieve.safetensors --json
  looped certify programs/subleq/sieve.sasm --lifted
  looped certify programs/subleq/sieve.sasm --causal
  looped certify sieve-causal
"""


@click.command(help=_HELP)
@click.argument("target", metavar="MACHINE|PROGRAM|FILE|FOLDER")
@machine_options
@click.option(
    "--dtype",
    type=click.Choice(list(PRECISIONS)),
    help="Certify in this dtype; by default the one for which the machine is compiled.",
)
@click.option("--lifted", is_flag=True, help="Also prove the code of the lifted engine.")
@click.option("--causal", is_flag=True, help="Certify the causal language model of PROGRAM.")
@window_option
@json_option
def certify(
    target: str,
    wanted: Wanted,
    dtype: str | None,
    lifted: bool,
    causal: bool,
    window: bool,
    as_json: bool,
) -> None:
    """Prove from the weights that a machine computes its circuit, exactly, for all states."""
    if target not in registry.names() and Path(target).is_dir():
        certify_causal_folder(Path(target), dtype or "float32", as_json)
        return
    if causal:
        certify_causal_program(target, wanted, dtype or "float32", window, as_json)
        return
    compiled, image = open_both(target, wanted, dtype or "float32")
    with progress(f"certify {target}") as line:
        certificate = api.certify(compiled, image, line)
        asked = dtype or certificate.dtype
        certified = certificate.certified(asked)
        if lifted and certified:
            line.note("proving the lifted code")
        translated = api.translate(compiled, image, asked) if lifted and certified else None
    _show(certificate, translated, as_json)
    if not certified:
        raise CertificateError(
            f"{target} is not certified in {asked}: {_reason(certificate, asked)}"
        )
    if translated is not None and not translated.holds:
        raise CertificateError(
            f"{target}: it is not shown that {STATEMENT}: {translated.fault}",
            hint="run it with --engine event",
        )
    if not as_json:
        names = [name for name in certificate.verdicts if certificate.certified(name)]
        click.echo(f"\n{target}: certified in {', '.join(names)}. {certificate.seconds:.1f} s.")
        if translated is not None:
            click.echo(f"{target}: {_translation(translated)}")


def _show(certificate: Certificate, translated: Translation | None, json_wanted: bool) -> None:
    if json_wanted:
        lifted = {} if translated is None else {"lifted": _lifted_json(translated)}
        click.echo(json.dumps({**as_json(certificate), **lifted}))
    else:
        Console(soft_wrap=True, highlight=False).print(report(certificate))


def _lifted_json(translated: Translation) -> dict[str, object]:
    content = {"claim": STATEMENT, "holds": translated.holds, **dataclasses.asdict(translated)}
    return {**content, "seconds": round(translated.seconds, 3)}


def _translation(translated: Translation) -> str:
    return (
        f"{STATEMENT}: {translated.instructions:,} instructions, {translated.claims:,} claims, "
        f"{translated.nodes:,} nodes at most. {translated.seconds:.1f} s."
    )


def _reason(certificate: Certificate, dtype: str) -> str:
    failed = next((claim for claim in certificate.claims if not claim.holds), None)
    if failed is None:
        return certificate.verdicts[dtype].faults[0]
    where = "" if failed.block is None else f"block {failed.block + 1}, "
    return f"{where}{failed.part}: {failed.fault}"
