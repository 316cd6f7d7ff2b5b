"""Who is at the other end of a local socket: the kernel says it, the peer is not asked."""

from __future__ import annotations

import socket
import struct
import sys

LINUX = struct.Struct("3i")
"""`struct ucred`: pid, uid, gid. Source: unix(7), SO_PEERCRED."""

DARWIN = struct.Struct("=IIh2x16I")
"""`struct xucred`: version, uid, number of groups, groups. Source: macOS sys/ucred.h, LOCAL_PEERCRED."""

LOCAL_LEVEL, LOCAL_PEERCRED = 0, 1
"""SOL_LOCAL and LOCAL_PEERCRED of macOS sys/un.h; Python names neither."""


def uid_of(peer: socket.socket) -> int:
    """The uid of the process that connected. Raises OSError where the kernel cannot tell."""
    if sys.platform == "darwin":
        raw = peer.getsockopt(LOCAL_LEVEL, LOCAL_PEERCRED, DARWIN.size)
        return int(DARWIN.unpack(raw)[1])
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, LINUX.size)
    return int(LINUX.unpack(raw)[1])
