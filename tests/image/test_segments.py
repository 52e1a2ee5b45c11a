"""Segments of ELF files in memory: every layout as a plain loader has it, byte by byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looped.errors import FileError
from looped.image import Image
from looped.image.elf import load_elf
from tests.image.test_elf import CODE, elf

PAGE = 4096
MOST = 1 << 15
HIGH = 0x80000000

Layout = list[tuple[int, bytes, int, int]]


def load(path: Path, content: bytes) -> Image:
    path.write_bytes(content)
    return load_elf(path, lambda architecture: "rv32i", MOST)


def plain(segments: Layout) -> dict[int, int]:
    """What Spike and QEMU put where: content and zeros, segment after segment."""
    found: dict[int, int] = {}
    for _, content, size, physical in segments:
        for number in range(size):
            found[physical + number] = content[number] if number < len(content) else 0
    return found


def byte(image: Image, address: int) -> int:
    index = image.index(address)
    return image.words[index] >> 8 * (address % 4) & 255 if index < len(image.words) else 0


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """Segments near one or two places, that may overlap; some are copied to another address."""
    places = draw(
        st.lists(
            st.sampled_from([0, PAGE, 0x10000000, 0x20000000, HIGH - PAGE, HIGH, 0xFFFFE000]),
            min_size=1,
            max_size=2,
        )
    )
    segments = []
    for _ in range(draw(st.integers(1, 4))):
        address, physical = (
            draw(st.sampled_from(places)) + draw(st.integers(0, 300)) for _ in range(2)
        )
        content = draw(st.binary(max_size=40))
        size = max(len(content) + draw(st.integers(-8, 40)), 0)  # a file may have more than that
        same = draw(st.booleans())
        segments.append((address, content, size, address if same else physical))
    return [segment for segment in segments if segment[2]]


@given(layouts())
def test_every_byte_is_where_a_plain_loader_puts_it(
    tmp_path_factory: pytest.TempPathFactory, segments: Layout
) -> None:
    path = tmp_path_factory.getbasetemp() / "layout.elf"
    entry = segments[0][3] // 4 * 4 + 4 if segments else 0
    try:
        image = load(path, elf(*segments, entry=entry))
    except FileError as error:
        assert (
            "nothing to load" in str(error)
            or "needs memory" in str(error)
            or ("where nothing is loaded" in str(error))
        )
        return
    expected = plain(segments)
    assert {at: byte(image, at) for at in expected} == expected
    assert sum(word.bit_count() for word in image.words) == sum(
        value.bit_count() for value in expected.values()
    )
    for address, _, size, _ in segments:
        assert image.regions.index(address + size - 1) < MOST


def test_data_is_loaded_where_the_start_up_code_finds_it(tmp_path: Path) -> None:
    image = load(tmp_path / "a", elf((0, CODE, 12), (0x800, b"\x2a\0\0\0", 4, 12)))
    assert image.words == (0x13, 0x293, 0x73, 42, *[0] * (0x200 - 3))


def test_two_places_far_apart_are_two_regions(tmp_path: Path) -> None:
    image = load(
        tmp_path / "a", elf((0x10000000, CODE, 12), (0x20000000, b"\7", 8), entry=0x10000004)
    )
    assert image.regions.bases == (0x10000000, 0x20000000)
    assert image.words[:6] == (0x13, 7, 0x293, 0, 0x73, 0)[: len(image.words)]
    assert image.regions.index(0x20000004) == 3


def whole_file(code: bytes, at: int, start: int, gap: int) -> bytes:
    """An ELF file without sections, whose only segment is the whole file, loaded at `start`.

    After the headers come `gap` zeros, then the code, whose address is `at`.
    """
    content = bytearray(elf((0, b"", 0), entry=at)[:84])
    content[32:36], content[46:52] = bytes(4), bytes(6)
    content += bytes(gap) + code
    content[52:84] = b"".join(
        number.to_bytes(4, "little")
        for number in (1, 0, start, start, len(content), len(content), 5, PAGE)
    )
    return bytes(content)


def test_a_page_of_headers_is_no_memory_of_the_program(tmp_path: Path) -> None:
    """As gcc -nostdlib -Wl,-Ttext=0x80000000 makes it."""
    image = load(tmp_path / "a", whole_file(CODE, HIGH, HIGH - PAGE, PAGE - 84))
    assert (image.regions.bases, image.words) == ((HIGH,), (0x13, 0x293, 0x73))


def test_headers_beside_code_are_loaded(tmp_path: Path) -> None:
    image = load(tmp_path / "a", whole_file(CODE, 84, 0, 0))
    assert image.words[0] == 0x464C457F
    assert image.words[21:] == (0x13, 0x293, 0x73)


def test_compressed_code_may_be_announced(tmp_path: Path) -> None:
    assert load(tmp_path / "a", elf((0, CODE, 12), flags=1)).words == (0x13, 0x293, 0x73)


def test_the_last_byte_of_a_file_and_of_the_address_space(tmp_path: Path) -> None:
    top = (1 << 32) - 16
    image = load(tmp_path / "a", elf((top, CODE, 16), entry=top))
    assert [image.words[image.index(top + at)] for at in (0, 4, 8)] == [0x13, 0x293, 0x73]
    with pytest.raises(FileError, match="a segment at 0xfffffff0 that is too large"):
        load(tmp_path / "a", elf((top, CODE, 17), entry=top))
    whole = whole_file(CODE, HIGH, HIGH - PAGE, PAGE - 84)
    with pytest.raises(FileError, match="is truncated"):
        load(tmp_path / "a", whole[:-1])


def test_the_word_after_the_last_one_is_no_entry(tmp_path: Path) -> None:
    assert load(tmp_path / "a", elf((0, CODE, 12), entry=8)).entry == 8
    with pytest.raises(FileError, match="begins at 0xc, where nothing is loaded"):
        load(tmp_path / "a", elf((0, CODE, 12), entry=12))
