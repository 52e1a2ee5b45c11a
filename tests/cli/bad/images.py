"""Images: decimal, hexadecimal, binary."""

from __future__ import annotations

from tests.cli.bad.case import Case, Content

__all__ = ["IMAGES"]


def _image(what: str, name: str, content: Content, code: int, message: str) -> Case:
    line = f"run {name} --machine subleq --width 16 --memory 64"
    return Case(what, line, code, message, {name: content})


IMAGES = [
    _image("an empty image", "a.dec", b"", 4, "error: a.dec is empty: it contains no program"),
    _image("white space", "a.hex", b" \n\t\n", 4, "error: a.hex is empty: it contains no program"),
    _image(
        "an empty binary",
        "a.bin",
        b"",
        4,
        "error: a.bin has 0 bytes, not a whole number of 16-bit words",
    ),
    _image(
        "words for numbers",
        "a.dec",
        b"1 two 3\n",
        3,
        "a.dec:1:3: error: `two` is not a decimal number",
    ),
    _image(
        "hexadecimal digits in a decimal image",
        "a.dec",
        b"0x10\n",
        3,
        "a.dec:1:1: error: `0x10` is not a decimal number",
    ),
    _image(
        "no hexadecimal digits",
        "a.hex",
        b"10 xyz\n",
        3,
        "a.hex:1:4: error: `xyz` is not a hexadecimal number",
    ),
    _image(
        "a sign in a hexadecimal image",
        "a.hex",
        b"10\n-1\n",
        3,
        "a.hex:2:1: error: `-1` is not a hexadecimal number",
    ),
    _image(
        "a number of 10,000 digits",
        "a.dec",
        b"9" * 10_000,
        3,
        "a.dec:1:1: error: `9999999999999999999999999999999999999999` is not a decimal number",
    ),
    _image(
        "a number of a million characters",
        "a.hex",
        b"x" * 1_000_000,
        3,
        "a.hex:1:1: error: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` is not a hexadecimal number",
    ),
    _image(
        "a number too large",
        "a.dec",
        b"1 70000\n",
        3,
        "a.dec:1:3: error: 70000 is not a 16-bit word",
    ),
    _image(
        "a number too small",
        "a.dec",
        b"1 -32769\n",
        3,
        "a.dec:1:3: error: -32769 is not a 16-bit word",
    ),
    _image(
        "a number too large", "a.hex", b"10000\n", 3, "a.hex:1:1: error: 65536 is not a 16-bit word"
    ),
    _image(
        "NUL bytes", "a.dec", b"1 2\0 3\n", 3, "a.dec:1:3: error: `2\\x00` is not a decimal number"
    ),
    _image(
        "digits of another script",
        "a.dec",
        "١٢".encode(),
        4,
        "error: a.dec is not an image: it contains bytes that are not ASCII",
    ),
    _image(
        "UTF-16",
        "a.dec",
        "1 2 3".encode("utf-16"),
        4,
        "error: a.dec is not an image: it contains bytes that are not ASCII",
    ),
    _image(
        "half a word",
        "a.bin",
        b"\1\2\3",
        4,
        "error: a.bin has 3 bytes, not a whole number of 16-bit words",
    ),
    _image(
        "a program too long",
        "a.dec",
        b"0 " * 65,
        5,
        "error: the program has 65 words, but memory has only 64",
    ),
    _image(
        "a million words",
        "a.dec",
        b"0 " * 1_000_000,
        5,
        "error: the program has 1000000 words, but 32768 is the maximum for 16 bits",
    ),
    Case(
        "an image too long for all",
        "run a.dec",
        5,
        "error: the program has 32769 words, but 32768 is the maximum for 16 bits",
        {"a.dec": b"0 " * 32_769},
    ),
    Case(
        "a width that is none",
        "asm a.dec --width 12",
        5,
        "error: subleq has no 12-bit words",
        {"a.dec": b"0 0 0\n"},
    ),
    Case(
        "a width for bytes",
        "verify a.bin --width 64",
        5,
        "error: subleq has no 64-bit words",
        {"a.bin": bytes(64)},
    ),
    Case(
        "a width of another machine",
        "asm a.hex --machine rv32i --width 16",
        5,
        "error: rv32i has no 16-bit words",
        {"a.hex": b"13\n"},
    ),
    Case(
        "a machine that is none",
        "certify a.dec --machine z80",
        5,
        "error: no machine named `z80`",
        {"a.dec": b"0 0 0\n"},
    ),
]
"""What is read as numbers, and does not have them."""
