"""Where secrets are kept: in the keyring of the system where a real one answers, else in the file, 0600.

The environment goes before both (core/config). The file holds `secret://KEY` in the place of a value that is
in the keyring; so a home without such a word never asks for one, and never loads the library. Not what is
done with a secret: taking it out of text is core/redact.

Source: https://keyring.readthedocs.io/en/latest/ ; its backends `fail` and `null` keep nothing, and those of
`keyrings.alt` plain text: none of them counts.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Thread
from typing import Any, Protocol, TypeVar

from devopsclaw.core.paths import Home

REFERENCE = "secret://"
PATIENCE = 2.0
"""Seconds for one answer: a keyring that waits for somebody to unlock it is none at 3 a.m. over SSH."""

NONE = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
"""Modules of backends that keep nothing, or nothing safe."""

Answer = TypeVar("Answer")


class NoAnswer(Exception):
    """The keyring is locked, gone or broken; the text says why."""


class Vault(Protocol):
    """A keyring, as far as it is used here. Each call raises NoAnswer."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def read(self, key: str) -> str:
        """The secret of this setting; empty where none is kept."""
        ...

    def keep(self, key: str, secret: str) -> None:
        """Keep this secret of this setting, in the place of an older one."""
        ...


Vaults = Callable[[Home], Vault | None]
"""Finds the vault of a home; None where no real keyring answers."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """A backend of the library `keyring`; entries of several homes do not meet."""

    name: str
    backend: Any
    service: str

    def read(self, key: str) -> str:
        """See `Vault.read`."""
        return _patiently(lambda: self.backend.get_password(self.service, key) or "")

    def keep(self, key: str, secret: str) -> None:
        """See `Vault.keep`; it is read back, as only that shows that it was kept."""
        _patiently(lambda: self.backend.set_password(self.service, key, secret))
        if self.read(key) != secret:
            raise NoAnswer(f"{self.name} did not keep it")


def find_vault(home: Home) -> Vault | None:
    """The keyring of this user, if a real one answers within two seconds."""
    try:
        backend = _patiently(_chosen)
    except NoAnswer:
        return None
    if backend is None:
        return None
    vault = Keyring(str(backend.name), backend, f"devopsclaw {home.root}")
    try:
        vault.read("is anybody there")
    except NoAnswer:
        return None
    return vault


def reference(key: str) -> str:
    """What stands in the file for a secret that is in the keyring."""
    return REFERENCE + key


def _chosen() -> Any:
    """The backend that the library would use, or the first real one that it would try; None without any."""
    import keyring
    from keyring.backends.chainer import ChainerBackend

    backend = keyring.get_keyring()
    candidates = backend.backends if isinstance(backend, ChainerBackend) else [backend]
    return next((each for each in candidates if is_real(type(each).__module__)), None)


def is_real(module: str) -> bool:
    """Whether a backend of this module keeps secrets, and safely."""
    return not any(module == each or module.startswith(f"{each}.") for each in NONE)


def _patiently(ask: Callable[[], Answer]) -> Answer:
    """The answer, if it comes in time; who still waits then is left behind. Raises NoAnswer."""
    answer: Future[Answer] = Future()

    def go() -> None:
        try:
            answer.set_result(ask())
        except Exception as failed:  # whatever a backend raises: it crosses to the thread that asked
            answer.set_exception(failed)

    # not of a pool: the interpreter would wait for its threads at the end
    Thread(target=go, name="keyring", daemon=True).start()
    done, _ = wait([answer], PATIENCE)
    if not done:
        raise NoAnswer(f"the keyring did not answer within {PATIENCE:.0f} s")
    if failed := answer.exception():
        raise NoAnswer(f"the keyring refused: {type(failed).__name__}") from failed
    return answer.result()
