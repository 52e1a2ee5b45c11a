"""The causal machine of a program, and the certificate of its weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from looped import api, registry
from looped.cli.options import Wanted, open_source
from looped.decoder.spec import Spec
from looped.errors import CertificateError, CompileError, FileError
from looped.image import Image
from looped.precision import PRECISIONS

if TYPE_CHECKING:
    from looped.verify.causal import CausalCertificate

__all__ = ["causal_spec", "certified", "certify_causal_folder", "certify_causal_program"]


def causal_spec(
    image: Image, memory: int | None, context: int | None = None, window: bool = False
) -> Spec:
    """The causal machine for a program. Raises CompileError if its machine has no causal form."""
    machine = registry.machine(image.machine)
    causal, names = machine.causal, [parameter.name for parameter in machine.parameters]
    if causal is None:
        having = [name for name in registry.names() if registry.machine(name).causal is not None]
        raise CompileError(
            f"{image.machine} has no causal language model", hint=f"machines: {', '.join(having)}"
        )
    words = api.smallest_memory(image) if memory is None else memory
    sizes = {"width": image.width, "memory": words}
    asked = {name: found for name in names if (found := image.parameter(name)) is not None}
    if window:
        from looped.decoder.mistral import POSITIONS, window_for

        sizes |= {"context": POSITIONS, "window": window_for(**sizes)}
    given = {} if context is None else {"context": context}
    return causal(**{**sizes, **given, **machine.settled(image.width, asked)})


def certified(spec: Spec, dtype: str = "float32") -> CausalCertificate:
    """The certificate of a causal machine. Raises CertificateError if it is not exact in a dtype
    for its whole context."""
    proof = _certificate(spec)
    if not proof.certified(dtype):
        raise _refusal(proof, dtype)
    return proof


def _certificate(spec: Spec) -> CausalCertificate:
    from looped.decoder.llama import llama_config
    from looped.decoder.mistral import mistral_config
    from looped.decoder.weights import weights
    from looped.verify.causal import certify_causal

    found = weights(spec)
    config = llama_config(found) if spec.window is None else mistral_config(found)
    return certify_causal(spec, found.state, config)


def _refusal(proof: CausalCertificate, dtype: str) -> CertificateError:
    failed = next((claim for claim in proof.claims if not claim.holds), None)
    name = f"the causal machine is not certified in {dtype}"
    if failed is not None:
        return CertificateError(f"{name}: {failed.part}: {failed.fault}")
    if proof.faults[dtype]:
        return CertificateError(f"{name}: {proof.faults[dtype][0]}")
    span = proof.span(dtype)
    return CertificateError(f"{name} for more than {span:,} of {proof.spec.span:,} tokens")


def certify_causal_program(
    target: str, wanted: Wanted, dtype: str, window: bool, as_json: bool
) -> None:
    """Certify the causal machine of a program, and show what is proved."""
    if target in registry.names():
        raise FileError(f"{target} is a machine: a prompt needs a program")
    image = open_source(Path(target), wanted)
    proof = _certificate(causal_spec(image, wanted.memory, window=window))
    _report(target, proof, dtype, as_json)


def certify_causal_folder(folder: Path, dtype: str, as_json: bool) -> None:
    """Certify an exported folder, and show what is proved."""
    from looped.verify.causal import certify_folder

    _report(str(folder), certify_folder(folder), dtype, as_json)


def _report(target: str, proof: CausalCertificate, dtype: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_as_json(proof)))
    else:
        _show(proof)
    if not proof.certified(dtype):
        raise _refusal(proof, dtype)
    if not as_json:
        what = "text of up to" if proof.spec.window is None else "text, in a window of"
        click.echo(
            f"\n{target}: in {dtype} every {what} {proof.span(dtype):,} tokens "
            f"continues as the reference does; the due token wins by {proof.margin:g} logits. "
            f"{proof.seconds:.1f} s."
        )


def _show(proof: CausalCertificate) -> None:
    console = Console(soft_wrap=True, highlight=False)
    claims = Table("layer", "part", "claim", "proved by", "cases", "", box=None)
    for claim in proof.claims:
        layer = "all" if claim.block is None else str(claim.block + 1)
        mark = "[green]yes[/]" if claim.holds else f"[red]{claim.fault}[/]"
        claims.add_row(layer, claim.part, claim.statement, claim.method, f"{claim.cases:,}", mark)
    console.print(claims)
    if not proof.sound:
        return
    margins = Table("layer", "head", "least margin, in logits", box=None)
    least = proof.margins(proof.spec.span, PRECISIONS["float32"])
    for (index, head), margin in least.items():
        margins.add_row(str(index + 1), head, f"{margin:,.0f}")
    console.print(f"\nheads, in float32, for {proof.spec.span:,} tokens")
    console.print(margins)


def _as_json(proof: CausalCertificate) -> dict[str, object]:
    return {
        "sound": proof.sound,
        "margin": proof.margin,
        "tokens": {name: proof.span(name) for name in PRECISIONS},
        "claims": [
            {"layer": c.block, "part": c.part, "claim": c.statement, "fault": c.fault}
            for c in proof.claims
        ],
    }
