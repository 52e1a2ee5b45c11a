"""JSON from an unknown source: decoded into dataclasses by their annotations, or a ValueError."""

from __future__ import annotations

from typing import TypeVar

import msgspec

__all__ = ["decode", "encode", "restore"]

T = TypeVar("T")

_LARGEST = 1 << 64


def encode(value: object) -> str:
    """A dataclass as JSON, which `decode` reads."""
    return msgspec.json.encode(value).decode()


def decode(text: str, kind: type[T], name: str) -> T:
    """The dataclass of type `kind` that `encode` has turned into `text`; messages call it `name`.

    Types are strict: 1 is not a bool, 1.0 is not an int. Only fields with a default may be missing.
    Raises ValueError, with the path to the fault, for a value of another type, for text that is not
    JSON or nested too deeply, for unknown fields, and for integers of more than 64 bits.
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


def restore(content: bytes, kind: type[T]) -> T | None:
    """The dataclass that `encode` has turned into `content`, which is known to be intact.

    None if `content` is something else. It is several times as fast as `decode`, whose messages say
    what is wrong.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeError):
        return None


def _check(data: object, known: object, path: str) -> None:
    """Raise ValueError for an unknown field or an integer of more than 64 bits."""
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
