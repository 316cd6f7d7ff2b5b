"""What a relay is started with, and what is checked before it listens. Not where the values come from."""

from __future__ import annotations

import resource
from dataclasses import dataclass, field
from pathlib import Path

from devopsclaw.model.errors import BadParams
from devopsclaw.relay.tls import ServerTls, given_tls, own_tls
from devopsclaw.wire.enroll import SHORT_TOKEN

SPARE_DESCRIPTORS = 64
"""File descriptors beside the connections: databases, log, lock, sockets, and visitors being turned away."""


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """`address` is `HOST:PORT` or `:PORT`, port 0 a free one. `insecure` serves plain WebSocket."""

    address: str = ":9443"
    token: str = field(default="", repr=False)
    max_connections: int = 100
    tls_cert: Path | None = None
    tls_key: Path | None = None
    insecure: bool = False

    def warnings(self) -> tuple[str, ...]:
        """What a person should read before relying on this relay."""
        found = []
        if self.insecure:
            found.append(
                "plain WebSocket: whoever is on the way reads everything and can join in (--insecure)"
            )
        if not self.token:
            found.append(
                "no fleet token: only nodes that joined before are let in (--token-file FILE names one)"
            )
        elif len(self.token) < SHORT_TOKEN:
            found.append(f"the fleet token has fewer than {SHORT_TOKEN} characters and could be guessed")
        return tuple(found)


def check_descriptors(max_connections: int) -> None:
    """Raises BadParams where the process may not open that many connections."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = max_connections + SPARE_DESCRIPTORS
    if limit != resource.RLIM_INFINITY and needed > limit:
        raise BadParams(
            f"--max {max_connections} needs {needed} file descriptors, and this process may open {limit}",
            hint=f"raise it first: ulimit -n {needed} (systemd: LimitNOFILE={needed}), or lower --max",
        )


def open_tls(settings: RelaySettings, keys: Path) -> ServerTls | None:
    """What to serve TLS with; None for plain WebSocket. Raises BadParams or Damaged."""
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise BadParams("--tls-cert and --tls-key belong together", hint="give both, or neither")
    if settings.insecure:
        if settings.tls_cert is not None:
            raise BadParams(
                "--insecure serves no TLS, so --tls-cert has no use", hint="leave one of them out"
            )
        return None
    if settings.tls_cert is not None and settings.tls_key is not None:
        return given_tls(settings.tls_cert, settings.tls_key)
    return own_tls(keys)
