"""Every architecture hosts SUBLEQ: each lane after each step is that of the reference."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import looped
from looped.api import choose_engine
from looped.artefact.architecture import PLAIN, Architecture
from looped.artefact.checkpoint import load_machine, save_machine
from looped.cli.main import cli
from looped.engines.dense import DenseEngine
from looped.errors import CertificateError, CompileError, FileError
from looped.passes.variants import compile_for
from looped.registry import registry
from looped.variants import model_of
from looped.verify.certificate import certify, numeric_verdict
from looped.verify.lockstep import Mismatch
from tests.variants.hosts import ONE_PART, cases, compared, host

SOFT = [
    (Architecture(snap=True), 4.0),
    (Architecture(attention="differential", snap=True), 1.5),
    (Architecture(attention="top1"), 1.0),
    (Architecture(attention="top1", norm="layernorm-post", positions="counted"), 2.0),
    (Architecture(attention="linear", norm="layernorm", positions="learned-sinusoidal"), 2.0),
]
"""Architectures that are right at a temperature at which the plain one is wrong."""


@pytest.mark.parametrize("architecture", ONE_PART, ids=lambda a: a.options)
def test_a_variant_hosts_the_machine(architecture: Architecture) -> None:
    assert compared(host(architecture)).steps > 20


@pytest.mark.parametrize(
    ("architecture", "beta"), SOFT, ids=lambda a: str(getattr(a, "options", a))
)
def test_a_soft_variant_hosts_the_machine(architecture: Architecture, beta: float) -> None:
    assert compared(host(architecture, beta), uncertified=True).steps > 20


def test_the_plain_machine_is_wrong_at_these_temperatures() -> None:
    for _, beta in SOFT:
        with pytest.raises(Mismatch):
            compared(host(Architecture(), beta), uncertified=True)


@pytest.mark.parametrize("architecture", ONE_PART, ids=lambda a: a.options)
def test_a_variant_is_another_model(architecture: Architecture) -> None:
    """Its modules differ from the core's, or its columns find their addresses."""
    machine = host(architecture)
    kinds = {type(module).__name__ for module in model_of(machine).modules()}
    plain = {type(module).__name__ for module in host(Architecture()).model().modules()}
    assert kinds != plain or architecture.positions != "binary"


@pytest.mark.parametrize("architecture", ONE_PART, ids=lambda a: a.options)
def test_no_certificate_covers_a_variant(architecture: Architecture) -> None:
    machine = host(architecture)
    assert numeric_verdict(machine, "float32").faults == (
        f"no proof covers {architecture.options}",
    )
    assert not certify(machine, registry.machine("subleq").circuit(8, 32)).sound


def test_only_dense_runs_a_variant() -> None:
    machine = host(Architecture(attention="top1"))
    for name in ("event", "lifted"):
        with pytest.raises(CompileError, match="does not know --attention top1"):
            choose_engine(machine, name)
    with pytest.raises(CompileError, match="does not know --attention top1"):
        machine.model()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--positions", "maglap", "--attention", "top1"], "--positions maglap is for softmax"),
        (["--stack", "simplified", "--snap"], "--stack simplified has a mixer and a norm of its"),
        (["--stack", "simplified", "--norm", "layernorm"], "has a mixer and a norm of its own"),
    ],
)
def test_parts_that_exclude_each_other_are_refused(options: list[str], message: str) -> None:
    found = CliRunner().invoke(cli, ["run", "programs/subleq/hello.sasm", *options])
    assert message in found.output and "hint: leave" in found.output


@pytest.mark.parametrize(
    "architecture",
    [Architecture(positions="sinusoidal"), Architecture(attention="sparse-fixed")],
    ids=lambda a: a.options,
)
def test_machines_with_registers_are_refused(architecture: Architecture) -> None:
    circuit = registry.machine("rv32i").circuit(32, 32)
    with pytest.raises(CompileError, match="for memory, one CPU and an input column"):
        compile_for(circuit, architecture)
    plain = compile_for(circuit, PLAIN)
    plan = dataclasses.replace(plain.plan, variant=architecture)
    with pytest.raises(CompileError, match="for memory, one CPU and an input column"):
        model_of(dataclasses.replace(plain, plan=plan))


def test_a_bus_in_use_ends_a_run() -> None:
    """Between loops the lanes behind those of the plan are -1."""
    engine = DenseEngine(host(Architecture(stack="simplified")))
    (case, *_) = cases()
    looped.run(host(Architecture(stack="simplified")), case.image, case.data, 2, engine)
    with torch.inference_mode():
        engine.x[0, 3, -1] = 1.0
    assert np.isnan(engine.state()[0, 3]).all() and not np.isnan(engine.state()[0, 4]).any()


def test_a_lane_that_is_not_a_sign_ends_a_run() -> None:
    """Nothing proves a variant, so the engine looks at every lane."""
    engine = DenseEngine(host(Architecture(attention="top1")))
    (case, *_) = cases()
    looped.run(host(Architecture(attention="top1")), case.image, case.data, 2, engine)
    with torch.inference_mode():
        engine.x[0, 3, 0] += 2.0**-20
    with pytest.raises(CertificateError, match="a lane is no longer -1 or"):
        engine.step()


def test_a_file_keeps_the_architecture(tmp_path: Path) -> None:
    architecture = Architecture(attention="differential", norm="rmsnorm-post")
    path = tmp_path / "variant.safetensors"
    save_machine(path, host(architecture))
    assert load_machine(path)[0].plan.architecture == architecture
    plain = tmp_path / "plain.safetensors"
    save_machine(plain, host(Architecture()))
    assert b"variant" not in plain.read_bytes()


def test_an_unknown_architecture_in_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "variant.safetensors"
    save_machine(path, host(Architecture(attention="top1")))
    path.write_bytes(path.read_bytes().replace(b"top1", b"top2"))
    with pytest.raises(FileError):
        load_machine(path)


def test_the_command_line_runs_a_variant(tmp_path: Path) -> None:
    options = ["--attention", "differential", "--norm", "layernorm-post", "--memory", "64"]
    result = CliRunner().invoke(cli, ["run", "programs/subleq/hello.sasm", *options])
    assert result.output == "Hello, looped transformer!\n"
    path = str(tmp_path / "hello.safetensors")
    made = CliRunner().invoke(cli, ["compile", "programs/subleq/hello.sasm", "-o", path, *options])
    assert made.exit_code == 0
    assert CliRunner().invoke(cli, ["run", path]).output == "Hello, looped transformer!\n"
    other = CliRunner().invoke(cli, ["run", path, "--attention", "top1"])
    assert "is compiled with --attention differential --norm layernorm-post" in other.output
    stock = CliRunner().invoke(cli, ["export", "--format", "hf", path, str(tmp_path / "llama")])
    assert "a stock Llama does not know --attention differential" in stock.output
