"""A man in the middle: ends TLS with a certificate of his own, and carries what comes on to the relay."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from devopsclaw.relay.tls import own_tls


@contextmanager
def middleman(folder: Path, relay: str) -> Iterator[str]:
    """His address as `ws://…`, while the block lasts; `relay` is the relay's, written the same way."""
    folder.mkdir(mode=0o700)
    context = own_tls(folder).context
    host, _, port = relay.removeprefix("ws://").partition(":")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_accept, args=(listening, context, (host, int(port))), daemon=True).start()
        yield f"ws://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, context: ssl.SSLContext, relay: tuple[str, int]) -> None:
    while True:
        try:
            victim = listening.accept()[0]
        except OSError:
            return
        threading.Thread(target=_sit_between, args=(victim, context, relay), daemon=True).start()


def _sit_between(victim: socket.socket, context: ssl.SSLContext, relay: tuple[str, int]) -> None:
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    with suppress(OSError):
        near = context.wrap_socket(victim, server_side=True)
        far = blind.wrap_socket(socket.create_connection(relay))
        with near, far:
            back = threading.Thread(target=_carry, args=(far, near), daemon=True)
            back.start()
            _carry(near, far)
            back.join()


def _carry(source: ssl.SSLSocket, sink: ssl.SSLSocket) -> None:
    """All bytes one way, until an end."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
