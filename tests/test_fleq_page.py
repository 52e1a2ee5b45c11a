"""Every program text and every table of docs/fleq.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from looped.errors import Source, SourceError
from looped.isa.fleq import FUNCTIONS
from looped.lang.fleq.data import _USAGE
from looped.lang.fleq.instructions import FORMS
from looped.lang.fleq.settings import SETTINGS
from tests.programs.fleq import assemble, execute
from tests.programs.headers import fleq_programs

TEXT = (Path(__file__).parents[1] / "docs" / "fleq.md").read_text()
EXAMPLES = re.findall(r"^```asm\n(.*?)^```.*?^```text\n(.*?)^```", TEXT, re.M | re.S)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == TEXT.count("```asm") == TEXT.count("```text") >= 3


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
@pytest.mark.parametrize("workers", [1, 64])
def test_examples_print_what_the_page_shows(example: tuple[str, str], workers: int) -> None:
    source, shown = example
    if "error:" not in shown:
        assert execute(source, workers, "page.fleq").text == shown
        return
    with pytest.raises(SourceError) as caught:
        assemble(Source("page.fleq", source))
    assert caught.value.render() + "\n" == shown


def test_the_table_of_functions_is_that_of_the_machine() -> None:
    found = re.findall(r"\| `(\w+)` \| (\d+) \|", TEXT)
    assert {name: int(number) for name, number in found} == {
        name: function.number for name, function in FUNCTIONS.items()
    }


def test_the_page_names_every_statement_and_every_directive() -> None:
    for name in (*FORMS, *_USAGE, *SETTINGS):
        assert re.search(rf"`{re.escape(name)}\b", TEXT), name


def test_the_table_of_programs_is_complete_and_counts_right() -> None:
    rows = re.findall(
        r"^\| \[(\w+)\]\(\.\./programs/fleq/(\w+)\.fleq\) .* \| ([\d,]+) \|$", TEXT, re.M
    )
    found = {name: int(steps.replace(",", "")) for name, file, steps in rows if name == file}
    assert found == {program.path.stem: program.steps for program in fleq_programs()}
