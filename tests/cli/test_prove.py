"""`looped prove`: of a machine that is its manual, of one that is not, and without Z3."""

from __future__ import annotations

import importlib.util
import json

import pytest
from click.testing import CliRunner, Result

from looped.circuit.signals import literal
from looped.cli.main import cli
from looped.machines import subleq


def looped(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments])


def test_a_machine_is_its_manual() -> None:
    result = looped("prove", "subleq", "--width", 8)
    assert result.exit_code == 0
    start = "subleq, 8 bits, 256 words: the circuit is the manual. "
    assert result.stdout.startswith(start) and "claims in 17 cases" in result.stdout
    told = json.loads(looped("prove", "subleq", "--memory", 32, "--json").stdout)
    assert (told["width"], told["memory"], told["equal"], told["cases"]) == (16, 32, True, 17)


def test_one_that_is_not_is_told_with_a_state_and_what_both_sides_make_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subleq, "nonpositive", lambda word: literal(word.sign))
    result = looped("prove", "subleq", "--width", 8, "--memory", 32)
    assert result.exit_code == 8
    assert "error: subleq is not its manual: " in result.stderr
    assert "`pc` after the loop: false in the state pc = 0x" in result.stderr
    assert "hint: on the weights, after one loop: cpu, pc is 0x" in result.stderr
    told = json.loads(looped("prove", "subleq", "--width", 8, "--memory", 32, "--json").stdout)
    assert told["equal"] is False and told["differences"]


def test_without_the_solver_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = looped("prove", "subleq")
    assert result.exit_code == 8
    assert "a proof needs the solver Z3, which is not installed" in result.stderr
    assert "hint: pip install 'looped[prove]'" in result.stderr
