"""certify --lifted: what it says where lifted code equals the weights, and where it does not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from looped.engines.lifted import stream
from looped.engines.lifted.columns import Behaviour
from looped.engines.lifted.lift import Lifted, lift
from tests.cli.test_cli import GREET, looped


def test_certify_proves_the_lifted_code_too(tmp_path: Path) -> None:
    result = looped("certify", "subleq", "--width", 8, "--memory", 32, "--lifted")
    assert result.exit_code == 0
    told = r"subleq: the lifted code equals the weights, lane by lane: [\d,]+ instructions, "
    told += r"[\d,]+ claims, [\d,]+ nodes at most\. [\d.]+ s\.$"
    assert re.match(told, result.stdout.splitlines()[-1])
    path = tmp_path / "greet.safetensors"
    looped("compile", GREET, "-o", path)
    found = json.loads(looped("certify", path, "--lifted", "--json").stdout)["lifted"]
    assert found["claim"] == "the lifted code equals the weights, lane by lane"
    assert found["holds"] and found["fault"] is None
    assert min(found["instructions"], found["claims"], found["nodes"]) > 0


def test_certify_ends_with_8_where_the_lifted_code_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wrong(found: Behaviour) -> Lifted:
        lifted = lift(found)
        lifted.code.following.reverse()
        return lifted

    monkeypatch.setattr(stream, "lift", wrong)
    command = ("certify", "subleq", "--width", 8, "--memory", 32, "--lifted")
    result = looped(*command)
    assert result.exit_code == 8
    assert result.stderr.startswith(
        "error: subleq: it is not shown that the lifted code equals the weights, lane by lane: "
        "the next state's bit 0 of ("
    )
    assert result.stderr.endswith("hint: run it with --engine event\n")
    found = json.loads(looped(*command, "--json").stdout)["lifted"]
    assert not found["holds"] and found["fault"].startswith("the next state's bit 0 of (")
