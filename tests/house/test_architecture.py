"""docs/architecture.md names what is there: rooms, paths, functions, tests."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}
PAGE = PAGES["architecture.md"]


def section(name: str) -> list[list[str]]:
    """The cells of the table between two markers, without its head."""
    text = PAGE.split(f"<!-- {name} -->\n")[1].split("<!-- end -->")[0]
    return [row.strip("| ").split(" | ") for row in text.splitlines()[2:]]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


def exists(name: str) -> bool:
    """Whether a dotted name is a module or a chain of attributes of one."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def test_the_rooms_are_the_layers_of_the_import_linter() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = [set(layer.split(" | ")) for layer in settings["contracts"][0]["layers"]]
    floors = [set(quoted(row[1])) for row in section("rooms")]
    assert [floor for floor in floors if floor] == layers
    assert [int(row[0]) for row in section("rooms")] == list(range(1, len(floors) + 1))


def test_every_room_is_in_the_table() -> None:
    paths = (ROOT / "looped").iterdir()
    rooms = {path.stem for path in paths if path.suffix == ".py" or (path / "__init__.py").exists()}
    named = {room for row in section("rooms") for room in quoted(row[1])}
    assert rooms - {"__init__", "__main__"} == named


def test_every_dotted_name_exists() -> None:
    names = {name for name in quoted(PAGE) if re.fullmatch(r"looped(\.\w+)+", name)}
    assert len(names) > 20 and [name for name in sorted(names) if not exists(name)] == []


def test_every_path_exists() -> None:
    names = {name for text in (PAGE, PAGES["glossary.md"]) for name in quoted(text)}
    paths = {name for name in names if re.fullmatch(r"(looped|tests|docs)/[\w./-]+", name)}
    assert len(paths) > 40
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_every_file_that_a_page_names_exists() -> None:
    """Pages name files by their last part alone where the folder is clear."""
    folders = ("looped", "tests", "docs", "programs")
    known = {path.name for folder in folders for path in (ROOT / folder).rglob("*")}
    for page, text in PAGES.items():
        names = {n.rpartition("/")[2] for n in quoted(text) if re.fullmatch(r"[\w/-]+\.(py|md)", n)}
        assert sorted(names - known) == [], page


def test_every_link_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_each_change_names_files_and_a_test_that_exists() -> None:
    rows = section("changes")
    wanted = ["machine", "instruction", "primitive", "engine", "variant", "view", "error"]
    assert all(any(word in row[0] for row in rows) for word in wanted)
    for goal, files, walk in rows:
        assert quoted(files), goal
        path, _, name = quoted(walk)[0].partition("::")
        functions = [
            n.name for n in ast.parse((ROOT / path).read_text()).body if hasattr(n, "name")
        ]
        assert name in functions if name else any(f.startswith("test_") for f in functions), walk
