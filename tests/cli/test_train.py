"""looped train: tables on stdout or in a page, and errors for what cannot be trained."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from looped.cli.main import cli
from looped.learn.length import study
from looped.learn.length.study import Result


def test_a_task_prints_its_table_or_puts_it_into_a_page(tmp_path: Path) -> None:
    arguments = ["train", "recall", "--seeds", "1", "--steps", "2"]
    printed = CliRunner().invoke(cli, arguments)
    assert printed.exit_code == 0 and printed.stdout.startswith("| stack | parameters | step 2 |")
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- recall -->\nold\n<!-- end -->\nb\n")
    result = CliRunner().invoke(cli, [*arguments, "--page", str(page)])
    assert (result.exit_code, result.stdout) == (0, "")
    assert page.read_text() == f"a\n<!-- recall -->\n{printed.stdout}<!-- end -->\nb\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["recall", "--device", "cuda:77"], 5, "PyTorch cannot use the device `cuda:77`"),
        (["recall", "--steps", "0"], 2, "Invalid value for '--steps'"),
        (["machine", "--resume"], 2, "--resume needs --out"),
        (["length", "sorting"], 2, "Invalid value for '{parity|addition}'"),
    ],
)
def test_what_cannot_be_trained_is_refused(arguments: list[str], code: int, message: str) -> None:
    result = CliRunner().invoke(cli, ["train", *arguments])
    assert result.exit_code == code and message in result.stderr


TASKS = ("machine", "circuit", "noise", "clusters", "length", "recall")


@pytest.mark.parametrize("task", TASKS)
def test_the_help_of_a_task_says_what_it_prints_and_gives_an_example(task: str) -> None:
    text = CliRunner().invoke(cli, ["train", task, "--help"]).stdout
    assert f"looped train {task}" in text.split("Examples:")[1] and "--seed" in text


def test_a_page_without_the_section_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing")
    arguments = ["train", "recall", "--steps", "1000000", "--page", str(page)]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 4 and "has no section `<!-- recall -->`" in result.stderr


def test_the_ablation_has_a_section_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(problem: object, steps: int, seed: int, **given: object) -> list[Result]:
        return [Result("norm", places, seed / 2, places) for places in study.LENGTHS]

    monkeypatch.setattr(study, "ablation", short)
    page = tmp_path / "page.md"
    page.write_text("<!-- length parity parts -->\n<!-- end -->\n")
    arguments = ["train", "length", "parity", "--parts", "--seeds", "2", "--page", str(page)]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    assert page.read_text().count("25.0% ± 25.0") == len(study.LENGTHS)
