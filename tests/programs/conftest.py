"""All tests here share what is compiled and lifted: they break neither weights nor passes."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def _kept(kept: None) -> None:
    """A cache for each file."""
