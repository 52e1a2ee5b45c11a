"""A small client of GDB's remote protocol."""

from __future__ import annotations

import socket

__all__ = ["Client"]


class Client:
    """Sends packets over a socket and returns the answers; checks every checksum."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.link.settimeout(30)
        self._buffer = b""

    def ask(self, content: bytes) -> bytes:
        """The answer to a packet; signs of life before it do not count."""
        self.send(content)
        while (answer := self.receive()) == b"O":
            pass
        return answer

    def send(self, content: bytes) -> None:
        """Send a packet."""
        self.link.sendall(b"$%b#%02x" % (content, sum(content) & 0xFF))

    def receive(self) -> bytes:
        """The next packet."""
        while b"#" not in self._buffer or len(self._buffer.split(b"#", 1)[1]) < 2:
            new = self.link.recv(4096)
            assert new, "the stub has closed the connection"
            self._buffer += new
        body, rest = self._buffer.split(b"#", 1)
        check, self._buffer = rest[:2], rest[2:]
        body = body.lstrip(b"+")
        assert body[:1] == b"$" and check == b"%02x" % (sum(body[1:]) & 0xFF)
        return body[1:]
