"""JSON that anyone may have written: dataclasses by their annotations, or a ValueError."""

from __future__ import annotations

from typing import TypeVar

import msgspec

__all__ = ["decode", "encode"]

T = TypeVar("T")

_LARGEST = 1 << 64


def encode(value: object) -> str:
    """A dataclass as JSON. Its fields are what `decode` takes."""
    return msgspec.json.encode(value).decode()


def decode(text: str, kind: type[T], name: str) -> T:
    """The dataclass that `encode` has made `text` of; `name` is how messages call it.

    Types are strict: 1 is no bool, 1.0 no int. Fields with a default may be missing, others may
    not. Raises ValueError for anything that does not fit, with the path to it: for text that is no
    JSON or nested too deeply, for fields that the dataclass has not, and for integers that have
    more than 64 bits.
    """
    try:
        data = msgspec.json.decode(text)
        value = msgspec.convert(data, kind)
        _check(data, msgspec.to_builtins(value), name)
    except RecursionError:
        raise ValueError(f"{name} is nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ValueError(f"{name}: {error}") from None
    return value


def _check(data: object, known: object, path: str) -> None:
    """Raise ValueError for the first field that is unknown and the first integer too large."""
    if isinstance(data, dict) and isinstance(known, dict):
        for key, part in data.items():
            if key not in known:
                raise ValueError(f"{path[:80]} has no field `{key[:40]}`")
            _check(part, known[key], f"{path}.{key}")
    elif isinstance(data, list) and isinstance(known, list | tuple):
        for part, own in zip(data, known, strict=True):
            _check(part, own, path)
    elif isinstance(data, int) and abs(data) >= _LARGEST:
        raise ValueError(f"{path[:80]} has an integer of more than 64 bits")
