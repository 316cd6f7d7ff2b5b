"""Who is at the other end of a local socket is what the kernel says."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from devopsclaw.core import door_peer


def test_the_kernel_names_the_uid_of_the_process_that_connected() -> None:
    here, there = socket.socketpair(socket.AF_UNIX)
    with here, there:
        assert door_peer.uid_of(here) == door_peer.uid_of(there) == os.getuid()


def test_a_socket_that_has_no_peer_is_nobody() -> None:
    with socket.socket(socket.AF_INET) as network:
        with network.dup() as closed:
            pass
        with pytest.raises(OSError):
            door_peer.uid_of(closed)


class Mac:
    """A socket as macOS has it: `struct xucred` for LOCAL_PEERCRED."""

    def getsockopt(self, level: int, name: int, size: int) -> bytes:
        """Version 0, uid 501, 16 groups of which the first is 20."""
        assert (level, name, size) == (0, 1, 76)
        groups = [20, *range(15)]
        return b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 501)) + (
            (16).to_bytes(2, sys.byteorder)
            + bytes(2)
            + b"".join(number.to_bytes(4, sys.byteorder) for number in groups)
        )


def test_macos_says_it_in_its_own_struct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    assert door_peer.uid_of(Mac()) == 501  # type: ignore[arg-type]
