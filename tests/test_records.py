"""Dataclasses come out of JSON as they went in, and nothing else does."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from looped.records import record_from_json


@dataclass(frozen=True)
class Part:
    name: str
    lanes: tuple[int, ...]


@dataclass(frozen=True)
class Whole:
    parts: tuple[Part, ...]
    sizes: Mapping[str, tuple[int, ...]]
    place: tuple[int, int] | None
    on: bool
    note: str = ""


WHOLE = Whole((Part("a", (1, 2)), Part("b", ())), {"x": (3,)}, None, True)


def data(**changes: object) -> dict[str, object]:
    return {**json.loads(json.dumps(dataclasses.asdict(WHOLE))), **changes}


def test_what_goes_in_comes_out() -> None:
    assert record_from_json(Whole, data()) == WHOLE
    assert record_from_json(Whole, data(place=[4, 5])).place == (4, 5)
    left_out = {key: value for key, value in data().items() if key != "note"}
    assert record_from_json(Whole, left_out) == WHOLE
    assert record_from_json(Whole, {"place": None, "on": False}, given={"parts": (), "sizes": {}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parts": [{"name": "a"}]}, "`parts.lanes` is missing"),
        ({"parts": [{"name": "a", "lanes": ["1"]}]}, "`parts.lanes` is not what it should be"),
        ({"parts": [7]}, "parts is no object"),
        ({"sizes": {"x": [1 << 64]}}, "`sizes.x` is not what it should be"),
        ({"place": [1]}, "`place` is not what it should be"),
        ({"place": [1, True]}, "`place` is not what it should be"),
        ({"on": 1}, "`on` is not what it should be"),
        ({"note": None}, "`note` is not what it should be"),
        ({"colour": "blue"}, "Whole has no `colour`"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        record_from_json(Whole, data(**changes))
    assert str(caught.value) == message
