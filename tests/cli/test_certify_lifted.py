"""certify --lifted: what it says where lifted code equals the weights, and where it does not."""

from __future__ import annotations

import json
import re

import pytest

from looped import api
from looped.engines.lifted import programs
from looped.engines.lifted.columns import Behaviour
from looped.engines.lifted.lift import Lifted, lift
from looped.errors import CompileError
from tests.cli.test_cli import GREET, looped

SMALL = ("certify", "subleq", "--width", 8, "--memory", 32, "--lifted")


def test_certify_proves_the_lifted_code_too() -> None:
    result = looped(*SMALL)
    assert result.exit_code == 0
    told = r"subleq: the lifted code equals the weights, lane by lane: [\d,]+ instructions, "
    told += r"[\d,]+ claims, [\d,]+ nodes at most\. [\d.]+ s\.$"
    assert re.match(told, result.stdout.splitlines()[-1])


def test_that_of_a_program_is_the_code_with_which_it_begins() -> None:
    image = api.assemble(GREET)
    found = api.translate(api.compile(image), image)
    assert found.holds and min(found.instructions, found.claims, found.nodes) > 0


def test_certify_ends_with_8_where_the_lifted_code_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wrong(found: Behaviour) -> Lifted:
        lifted = lift(found)
        lifted.code.following.reverse()
        return lifted

    monkeypatch.setattr(programs, "lift", wrong)
    result = looped(*SMALL, "--json")
    assert result.exit_code == 8
    fault = "the next state's bit 0 of ("
    assert result.stderr.startswith(
        "error: subleq: it is not shown that the lifted code equals the weights, lane by lane: "
        + fault
    )
    assert result.stderr.endswith("hint: run it with --engine event\n")
    found = json.loads(result.stdout)["lifted"]
    assert found["claim"] == "the lifted code equals the weights, lane by lane"
    assert not found["holds"] and found["fault"].startswith(fault)


def test_what_cannot_be_lifted_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(found: Behaviour) -> Lifted:
        raise CompileError("no")

    monkeypatch.setattr(programs, "lift", refused)
    found = api.translate(api.compile_machine("subleq", 8, 32))
    assert found.fault == "the weights cannot be lifted: no"
