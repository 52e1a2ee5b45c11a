"""What a program writes to `tohost`, and what the host makes of it."""

from __future__ import annotations

import pytest

from looped.devices import ControlRegisters, Htif, Syscalls, failed_test
from looped.image import Regions
from tests.devices.words import Words

INDEX, TOHOST, FROMHOST = 5, 20, 32


def wrote(number: int) -> tuple[Htif, Words]:
    host, port = (
        Htif(TOHOST, FROMHOST, Regions(), ControlRegisters(Syscalls(b"", 0))),
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


def test_a_character_is_printed() -> None:
    host, port = Htif(TOHOST, FROMHOST, Regions(), ControlRegisters(Syscalls(b"", 0))), Words(0)
    port.named["trap"] = 0
    port.words[INDEX : INDEX + 2] = [0x41, 0x01010000]
    assert host.serve(port) == b"A"
    assert port.words[INDEX : INDEX + 2] == [0, 0]
    assert (port.words[FROMHOST // 4], port.named["trap"]) == (1, 0)


def test_an_address_is_that_of_a_call() -> None:
    """Write 5 bytes from address 0 on to stdout."""
    host, port = Htif(TOHOST, FROMHOST, Regions(), ControlRegisters(Syscalls(b"", 0))), Words(0)
    port.named["trap"] = 0
    port.words[INDEX : INDEX + 2] = [64, 0]
    port.words[16:24] = [64, 0, 1, 0, 0, 0, 5, 0]
    assert host.serve(port) == bytes(range(5))
    assert port.words[16:18] == [5, 0]
    assert (port.words[INDEX], port.words[FROMHOST // 4], port.named["trap"]) == (0, 1, 0)


def test_a_call_that_fails_has_a_negative_number_of_64_bits() -> None:
    host, port = Htif(TOHOST, FROMHOST, Regions(), ControlRegisters(Syscalls(b"", 0))), Words(0)
    port.named["trap"] = 0
    port.words[INDEX : INDEX + 2] = [64, 0]
    port.words[16:24] = [1234, 0, 0, 0, 0, 0, 0, 0]
    assert host.serve(port) == b""
    assert port.words[16:18] == [0xFFFFFFFF - 37, 0xFFFFFFFF]


def test_traps_are_left_to_the_other_host() -> None:
    host, port = Htif(TOHOST, FROMHOST, Regions(), ControlRegisters(Syscalls(b"", 0))), Words(93, 7)
    port.words[INDEX] = 1
    host.serve(port)
    assert (host.status, host.exit_code, failed_test(host)) == (None, 7, None)
