"""Packets of GDB's remote serial protocol, `$content#checksum`, over a socket.

GDB manual, appendix E.1, Overview.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Connection"]

_BREAK = 0x03
_LARGEST = 1 << 16
"""The most bytes of a packet that the stub accepts."""

_PULSE = 0.5
"""Seconds between signs of life during a command. gdb complains after two seconds of silence."""


class Connection:
    """One connected gdb; `receive` and `send` exchange the contents of packets, without escapes."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._buffer = bytearray()
        self.acknowledges = True

    def interrupted(self) -> bool:
        """Whether gdb has sent a break, or has gone; does not wait."""
        if select.select([self._link], [], [], 0)[0] and not self._fill():
            return True
        self._buffer = self._buffer.lstrip(b"+-")  # acknowledgements of the last answer
        if _BREAK in self._buffer[:1]:
            del self._buffer[0]
            return True
        return False

    def receive(self) -> bytes | None:
        """The next packet, None once gdb has closed the connection. Drops damaged packets."""
        while True:
            packet = self._next()
            if packet is not None:
                return packet
            if not self._fill():
                return None

    def send(self, content: bytes) -> None:
        """Send a packet. Raises OSError if gdb has gone."""
        escaped = bytearray()
        for byte in content:
            escaped += bytes([0x7D, byte ^ 0x20]) if byte in b"#$}*" else bytes([byte])
        self._link.sendall(b"$%b#%02x" % (bytes(escaped), sum(escaped) & 0xFF))

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Within this context gdb waits for the answer to a command, however long it takes.

        It gets console output that is empty. GDB manual, E.4, qRcmd.
        """
        done = threading.Event()

        def pulse() -> None:
            try:
                self.send(b"O")
                while not done.wait(_PULSE):
                    self.send(b"O")
            except OSError:
                return  # gdb has gone: whoever sends the answer learns of it

        thread = threading.Thread(target=pulse, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _fill(self) -> bool:
        try:
            new = self._link.recv(4096)
        except OSError:
            return False
        self._buffer += new
        return bool(new)

    def _next(self) -> bytes | None:
        """The next whole and undamaged packet that has arrived, None if there is none."""
        start = self._buffer.find(b"$")
        if start < 0:
            self._buffer.clear()
            return None
        end = self._buffer.find(b"#", start)
        if end < 0 or len(self._buffer) < end + 3:
            if len(self._buffer) > _LARGEST:
                self._buffer.clear()
            return None
        body, check = bytes(self._buffer[start + 1 : end]), bytes(self._buffer[end + 1 : end + 3])
        del self._buffer[: end + 3]
        if check.lower() != b"%02x" % (sum(body) & 0xFF):
            self._acknowledge(b"-")
            return self._next()
        self._acknowledge(b"+")
        return _unescaped(body)

    def _acknowledge(self, sign: bytes) -> None:
        if self.acknowledges:
            self._link.sendall(sign)


def _unescaped(body: bytes) -> bytes:
    content, escape = bytearray(), False
    for byte in body:
        if escape or byte != 0x7D:
            content.append(byte ^ 0x20 if escape else byte)
            escape = False
        else:
            escape = True
    return bytes(content)
