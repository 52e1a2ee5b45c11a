"""Dataclasses come out of JSON as they went in, and nothing else does."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.untrusted import decode, encode


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    lanes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    parts: tuple[Part, ...]
    sizes: Mapping[str, tuple[int, ...]]
    place: tuple[int, int] | None
    on: bool
    host: Mapping[str, Any] | None = None
    colour: Colour = Colour.RED


WHOLE = Whole((Part("a", (1, 2)), Part("b", ())), {"x": (3,)}, None, True, {"deep": [{"y": 1}]})


def data(**changes: object) -> str:
    return json.dumps({**json.loads(encode(WHOLE)), **changes})


def test_what_goes_in_comes_out() -> None:
    assert decode(encode(WHOLE), Whole, "whole") == WHOLE
    assert decode(data(place=[4, 5]), Whole, "whole").place == (4, 5)
    assert decode(data(sizes={"x": [(1 << 64) - 1]}), Whole, "whole").sizes == {"x": (2**64 - 1,)}


def test_fields_with_a_default_may_be_missing() -> None:
    left = {key: value for key, value in json.loads(encode(WHOLE)).items() if key != "colour"}
    assert decode(json.dumps(left), Whole, "whole") == WHOLE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parts": [{"name": "a"}]}, "w: Object missing required field `lanes` - at `$.parts[0]`"),
        (
            {"parts": [{"name": "a", "lanes": ["1"]}]},
            "w: Expected `int`, got `str` - at `$.parts[0].lanes[0]`",
        ),
        ({"parts": [7]}, "w: Expected `object`, got `int` - at `$.parts[0]`"),
        ({"parts": [{"name": "a", "lanes": [], "x": 1}]}, "w.parts has no field `x`"),
        ({"sizes": {"x": [1 << 64]}}, "w.sizes.x has an integer of more than 64 bits"),
        ({"sizes": {"x": [-1 << 64]}}, "w.sizes.x has an integer of more than 64 bits"),
        ({"host": {"x": [{"y": 1 << 99}]}}, "w.host.x.y has an integer of more than 64 bits"),
        ({"place": [1]}, "w: Expected `array` of length 2, got 1 - at `$.place`"),
        ({"place": [1, True]}, "w: Expected `int`, got `bool` - at `$.place[1]`"),
        ({"place": [1, 2.0]}, "w: Expected `int`, got `float` - at `$.place[1]`"),
        ({"on": 1}, "w: Expected `bool`, got `int` - at `$.on`"),
        ({"on": None}, "w: Expected `bool`, got `null` - at `$.on`"),
        ({"colour": "blue"}, "w: Invalid enum value 'blue' - at `$.colour`"),
        ({"number": 1}, "w has no field `number`"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        decode(data(**changes), Whole, "w")
    assert str(caught.value) == message


TEXTS = {
    "nothing": "",
    "half": data()[:-1],
    "more": data() + "1",
    "NaN": data(on=float("nan")),
    "infinity": data(on=float("inf")),
    "a number of 10,000 digits": data().replace("1", "1" * 10_000, 1),
    "an exponent without an end": data().replace("1", "1e999999", 1),
    "half a surrogate in the text itself": data().replace('"a"', '"\ud800"'),
    "half a surrogate": data().replace('"a"', '"\\ud800"'),
    "brackets": "[" * 100_000 + "]" * 100_000,
    "brackets in a field of any type": data(host={"x": 0}).replace(
        '"x": 0', '"x": ' + "[" * 100_000 + "]" * 100_000
    ),
    "another type": "[]",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_no_such_object_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        decode(text, Whole, "w")


@pytest.mark.parametrize("depth", range(100, 1100, 50))
def test_any_depth_is_read_or_refused(depth: int) -> None:
    text = data(host={"x": 0}).replace('"x": 0', '"x": ' + "[" * depth + "]" * depth)
    try:
        assert encode(decode(text, Whole, "w").host).count("[") == depth
    except ValueError as error:
        assert str(error) == "w is nested too deeply"


@given(st.integers(0, 200), st.text(max_size=5))
def test_any_text_is_read_or_refused(place: int, change: str) -> None:
    text = data()
    at = place % len(text)
    with contextlib.suppress(ValueError):
        assert isinstance(decode(text[:at] + change + text[at + 1 :], Whole, "w"), Whole)
