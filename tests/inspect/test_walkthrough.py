"""The numbers in docs/how-it-works.md are those of the model."""

from __future__ import annotations

from pathlib import Path

from looped.inspect.walkthrough import walkthrough

PAGE = Path(__file__).parents[2] / "docs" / "how-it-works.md"
BEGIN, END = "<!-- made by looped.inspect.walkthrough -->\n", "<!-- end -->\n"
EXAMPLE = [9, 10, 6, 0, 0, 0, 0, 0, 0, 5, 3]


def test_the_page_shows_what_the_model_does(machine, request) -> None:
    made = walkthrough(machine("subleq", 16, 32), EXAMPLE)
    page = PAGE.read_text()
    head, rest = page.split(BEGIN)
    if request.config.getoption("--update-golden"):
        PAGE.write_text(head + BEGIN + made + END + rest.split(END)[1])
        page = PAGE.read_text()
    assert page.split(BEGIN)[1].split(END)[0] == made


def test_the_walk_ends_where_the_instruction_leads(machine) -> None:
    made = walkthrough(machine("subleq", 8, 32), EXAMPLE)
    assert "| `result` | " in made and "`result` = -2" in made and "`pc` = 6" in made
    assert "softmax weight" in made


def test_every_softmax_weight_shown_is_one(machine) -> None:
    rows = [
        r
        for r in walkthrough(machine("subleq", 32, 32), EXAMPLE).splitlines()
        if " attends to " not in r
    ]
    heads = [r.split(" | ") for r in rows if r.count("|") == 8 and "---" not in r]
    assert heads and {cells[5] for cells in heads} == {"1"}
