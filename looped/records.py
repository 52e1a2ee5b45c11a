"""Records from JSON: dataclasses, by their annotations, out of what anyone may have written."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

__all__ = ["record_from_json"]

T = TypeVar("T")

_LARGEST = 1 << 64


def record_from_json(
    kind: type[T], data: object, name: str = "", given: Mapping[str, object] | None = None
) -> T:
    """The dataclass that `dataclasses.asdict` and JSON have made `data` of.

    Its fields are bool, int below 2^64, str, None, tuples and mappings of them, and dataclasses;
    those `given` are no part of the data. Fields with a default may be missing. Raises ValueError
    for anything that does not fit, with the `name` of the part to blame.
    """
    given = given or {}
    if not isinstance(data, dict):
        raise ValueError(f"{name or kind.__name__} is no object")
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(cast(Any, kind))}
    fields = {key: field for key, field in fields.items() if key not in given}
    strange = [key for key in data if key not in fields]
    if strange:
        raise ValueError(f"{name or kind.__name__} has no `{strange[0][:40]}`")
    for key, field in fields.items():
        required = field.default is field.default_factory is dataclasses.MISSING
        if required and key not in data:
            raise ValueError(f"`{_joined(name, key)}` is missing")
    values = {key: _value(hints[key], part, _joined(name, key)) for key, part in data.items()}
    return kind(**values, **given)


def _joined(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _value(kind: Any, data: object, name: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return data
    if dataclasses.is_dataclass(kind):
        return record_from_json(cast(type[Any], kind), data, name)
    if origin in (types.UnionType, Union):
        (inner,) = (argument for argument in arguments if argument is not types.NoneType)
        return None if data is None else _value(inner, data, name)
    if origin is tuple and isinstance(data, list):
        inners = arguments if arguments[-1] is not ... else arguments[:1] * len(data)
        if len(inners) == len(data):
            return tuple(map(_value, inners, data, [name] * len(data)))
    elif origin is not None and issubclass(origin, Mapping) and isinstance(data, dict):
        return {key: _value(arguments[1], part, _joined(name, key)) for key, part in data.items()}
    elif kind in (bool, str, int) and type(data) is kind and _is_small(data):
        return data
    raise ValueError(f"`{name[:80]}` is not what it should be")


def _is_small(data: object) -> bool:
    return not isinstance(data, int) or abs(data) < _LARGEST
