"""Images from and to files: what is written is read again, and what is wrong is told in full."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import looped
from looped.errors import CompileError, FileError, SourceError
from looped.image import Image, Location
from looped.image.formats import FORMATS, dump_image, is_image, load_image


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("width", [8, 16, 32])
@given(data=st.data())
def test_what_is_dumped_is_loaded(
    kind: str, width: int, data: st.DataObject, tmp_path_factory
) -> None:
    words = data.draw(st.lists(st.integers(0, (1 << width) - 1), min_size=1, max_size=30))
    image = Image("subleq", width, tuple(words))
    path = tmp_path_factory.mktemp("image") / f"a.{kind}"
    path.write_bytes(dump_image(image, kind))
    assert load_image(path, "subleq", width) == image


def test_decimals_may_be_separated_by_anything_usual(tmp_path) -> None:
    path = tmp_path / "a.dec"
    path.write_text("9 9\t-1\r\n+3,65535\n\n")
    assert load_image(path, "subleq", 16).words == (9, 9, 65535, 3, 65535)


def test_raw_binaries_of_a_machine_that_counts_bytes_are_filled_to_a_word(tmp_path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes([1, 2, 3, 4, 5]))
    image = looped.assemble(path, machine="rv32i")
    assert (image.words, image.width, image.addresses_per_word) == ((0x04030201, 5), 32, 4)


def test_every_wrong_number_is_reported(tmp_path) -> None:
    path = tmp_path / "a.dec"
    path.write_text("1 two\n70000\n")
    with pytest.raises(SourceError) as caught:
        load_image(path, "subleq", 16)
    assert caught.value.render() == (
        f"{path}:1:3: error: `two` is not a decimal number\n"
        "    1 | 1 two\n"
        "      |   ^^^\n"
        "\n"
        f"{path}:2:1: error: 70000 is not a 16-bit word\n"
        "    2 | 70000\n"
        "      | ^^^^^\n"
        "hint: -32768 to 65535; a larger --width allows more"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.dec", b"", "a.dec is empty: it contains no program"),
        ("a.dec", b" \n", "a.dec is empty: it contains no program"),
        ("a.dec", b"\xff\xfe\x00", "a.dec is not an image: it contains bytes that are not ASCII"),
        ("a.bin", b"\x01\x02\x03", "a.bin has 3 bytes, not a whole number of 16-bit words"),
        ("a.bin", b"", "a.bin has 0 bytes, not a whole number of 16-bit words"),
    ],
)
def test_files_that_are_no_images(name: str, content: bytes, message: str, tmp_path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileError, match=message):
        load_image(path, "subleq", 16)


def test_files_that_are_not_there(tmp_path) -> None:
    with pytest.raises(FileError, match=r"cannot read .*: No such file or directory"):
        load_image(tmp_path / "a.dec", "subleq", 16)
    with pytest.raises(FileError, match="is a directory"):
        load_image(tmp_path, "subleq", 16)


def test_an_image_checks_its_words() -> None:
    with pytest.raises(CompileError, match="word 256 at address 1 is not a 8-bit word"):
        Image("subleq", 8, (0, 256))
    with pytest.raises(CompileError, match="the source map and the words differ in length"):
        Image("subleq", 8, (0, 1), {}, (Location("a", 1),))


def test_a_program_that_does_not_fit() -> None:
    with pytest.raises(CompileError) as caught:
        Image("subleq", 16, tuple(range(40))).padded(32)
    assert caught.value.render() == (
        "error: the program has 40 words, but memory has only 32\nhint: use --memory 64"
    )


@pytest.mark.parametrize("name", ["a.sq", "a.txt", "a"])
def test_a_file_of_numbers_is_an_image_whatever_its_name(name: str, tmp_path) -> None:
    path = tmp_path / name
    path.write_text("# echo\n9 -1 3  # write\n10, -1,6\n0 0 -1\n#\n72 105")
    assert looped.assemble(path).words == (9, 65535, 3, 10, 65535, 6, 0, 0, 65535, 72, 105)


@pytest.mark.parametrize(
    "text", ["halt", "9 9 x", "9 9 0x10", "9;", "9 9 9 ; halt", "9 -", "9-9", "#", ""]
)
def test_any_other_text_without_a_telling_suffix_is_assembly(text: str, tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text)
    assert not is_image(path)


def test_a_file_that_cannot_be_read_is_no_image(tmp_path) -> None:
    (tmp_path / "a").write_bytes(b"\xff 9")
    assert not is_image(tmp_path / "a")
    assert not is_image(tmp_path / "none")
    assert not is_image(tmp_path)


def test_comments_in_hexadecimal_are_no_numbers(tmp_path) -> None:
    path = tmp_path / "a.hex"
    path.write_text("#dead\n0f # beef\n10#11\n")
    assert load_image(path, "subleq", 16).words == (15, 16)
