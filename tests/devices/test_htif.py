"""What a program writes to `tohost`, and what the host makes of it."""

from __future__ import annotations

import pytest

from looped.devices import Calls, ControlRegisters, Htif, failed_test
from looped.image import Regions
from tests.devices.words import Words

INDEX, TOHOST, FROMHOST = 5, 20, 32


def wrote(number: int) -> tuple[Htif, Words]:
    host, port = (
        Htif(TOHOST, FROMHOST, Regions(), ControlRegisters(Calls(b"", 0))),
        Words(0, cause=0),
    )
    port.named["trap"] = 0
    port.words[INDEX] = number
    assert host.serve(port) == b""
    return host, port


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [
        (1, 0, None),
        (3, 1, "test 1 failed"),
        (2 * 255 + 1, 255, "test 255 failed"),
        (2 * 512 + 1, 1, "test 512 failed"),
        (0xFFFFFFFF, 255, "test 2147483647 failed"),
    ],
)
def test_an_odd_number_ends_the_program(number: int, code: int, told: str | None) -> None:
    host, port = wrote(number)
    assert (host.exit_code, failed_test(host)) == (code, told)
    assert (port.named["pc"], port.named["trap"]) == (8, 1)


def test_another_number_is_a_request_that_nobody_serves() -> None:
    host, port = wrote(0x80001000)
    assert (host.exit_code, failed_test(host)) == (None, None)
    assert port.named == {"pc": 8, "trap": 1, "cause": 11}


def test_traps_are_left_to_the_other_host() -> None:
    host, port = Htif(TOHOST, FROMHOST, Regions(), ControlRegisters(Calls(b"", 0))), Words(93, 7)
    port.words[INDEX] = 1
    host.serve(port)
    assert (host.status, host.exit_code, failed_test(host)) == (None, 7, None)
