"""A picture in memory: its words are those that a convolution over patches makes of the image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import looped
from looped.devices.data import placed
from looped.devices.picture import HEADER, Levels, Picture
from looped.errors import CompileError, FileError
from looped.image import Image
from looped.nn.patches import GreyBits, PatchEmbedding, PatchOutput
from tests import seeds

SIZES = [(4, 8, 1), (8, 8, 1), (16, 4, 1), (64, 3, 1), (4, 4, 8), (8, 2, 8), (16, 4, 2), (8, 8, 4)]


def pictured(width: int, height: int, depth: int, bits: int = 32) -> Picture:
    words = (width, height, depth, *[0] * 64)
    return Picture.of(Image("subleq", bits, words, {"image": 0}), "image", words)


@st.composite
def pictures(draw: st.DrawFn) -> tuple[Picture, Levels]:
    width, height, depth = draw(st.sampled_from(SIZES))
    pixels = st.lists(
        st.integers(0, (1 << depth) - 1), min_size=width * height, max_size=width * height
    )
    return pictured(width, height, depth), np.array(draw(pixels)).reshape(height, width)


@given(pictures())
def test_an_image_comes_back_from_its_words(given: tuple[Picture, Levels]) -> None:
    picture, levels = given
    words = picture.words(levels)
    assert len(words) == picture.size
    assert (picture.levels([0] * HEADER + words) == levels).all()


@given(pictures())
def test_its_columns_are_patches_of_the_image(given: tuple[Picture, Levels]) -> None:
    """The lanes of the residual stream, by Conv2d and back, to the bit."""
    picture, levels = given
    rows, columns = picture.patch
    code = torch.tensor([[w >> b & 1 for b in range(32)] for w in picture.words(levels)]) * 2.0 - 1
    pixels = torch.tensor(levels, dtype=torch.float32)[None, None]
    if picture.depth == 1:
        lanes = PatchEmbedding.signs(1, (rows, columns))(pixels)[0]
        back = PatchOutput.signs(1, (rows, columns))(code[None], picture.height // rows)
        assert torch.equal(back, pixels)
    else:
        bits = GreyBits(picture.depth)(pixels / ((1 << picture.depth) - 1))  # (1, depth, h, w)
        lanes = PatchEmbedding.signs(picture.depth, (rows, columns))((bits + 1) / 2)[0]
        lanes = lanes.view(len(lanes), picture.depth, -1).mT.flatten(1)  # pixel by pixel
    assert torch.equal(lanes, code)


def test_the_stream_of_a_machine_has_these_columns() -> None:
    levels = seeds.generator(0).integers(0, 2, (8, 8))
    picture = pictured(8, 8, 1, 16)
    plan = looped.compile_machine("subleq", 16, 32).plan
    x = looped.embed((8, 8, 1, *picture.words(levels)), plan)
    lanes = torch.tensor(x[HEADER : HEADER + picture.size][:, list(plan.words["value"])])
    image = torch.tensor(levels, dtype=torch.float32)[None, None]
    embedded = PatchEmbedding.signs(1, picture.patch)(image)[0]
    assert picture.patch == (2, 8) and torch.equal(embedded, lanes.float())


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((8, 8, 3), "`image` is a picture of 8 × 8 pixels of 3 bits"),
        ((12, 8, 1), "`image` is a picture of 12 × 8 pixels"),
        ((0, 8, 1), "`image` is a picture of 0 × 8 pixels"),
        ((8, 6, 1), "`image` is a picture of 8 × 6 pixels"),
        ((1 << 20, 8, 8), "memory ends before the last one"),
    ],
)
def test_an_impossible_picture_is_refused(size: tuple[int, int, int], message: str) -> None:
    with pytest.raises(CompileError, match=message):
        pictured(*size)


def test_bytes_go_behind_their_number() -> None:
    image = Image("subleq", 16, (0, 5, 0, 0), {"data": 1})
    assert placed(image, b"abc", "a.txt") == (1, [3, 97, 98, 99])
    wide = Image("rv32i", 32, (0, 5, 0, 0), {"data": 4}, addresses_per_word=4)
    assert placed(wide, b"abcde", "a.txt") == (1, [5, 0x64636261, 0x65])
    with pytest.raises(FileError, match="has 6 bytes, and `data` of the program room for 5"):
        placed(wide, b"abcdef", "a.txt")
    with pytest.raises(CompileError, match="the program has no `data`"):
        placed(Image("subleq", 16, (0,)), b"", "a.txt")
