"""Where secrets are kept: environment over keyring over file, and no keyring that is none."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends.chainer import ChainerBackend
from keyring.backends.fail import Keyring as FailKeyring
from keyring.backends.null import Keyring as NullKeyring
from tests.core.file_keyring import FileKeyring

from devopsclaw.core import secrets as secrets_module
from devopsclaw.core.config import Loaded, load
from devopsclaw.core.paths import Home
from devopsclaw.core.secrets import NoAnswer, Vault, find_vault, is_real

KEY = "relay.auth_token"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose file says that the token is in the keyring."""
    home = Home(tmp_path / "home")
    home.root.mkdir(mode=0o700)
    home.config.touch(0o600)
    home.config.write_text(json.dumps({"relay": {"auth_token": f"secret://{KEY}"}}, indent=1))
    return home


@pytest.fixture
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The library uses the test's keyring; its file."""
    monkeypatch.setenv("FILE_KEYRING", str(tmp_path / "ring.json"))
    before = keyring.get_keyring()
    keyring.set_keyring(FileKeyring())
    yield tmp_path / "ring.json"
    keyring.set_keyring(before)


def vault_of(home: Home) -> Vault:
    """The vault, which is there."""
    vault = find_vault(home)
    assert vault is not None
    return vault


def token(loaded: Loaded) -> str:
    """The token in force."""
    return loaded.config.relay.auth_token.get_secret_value()


def test_what_is_kept_is_read_again_and_belongs_to_one_home(home: Home, ring: Path) -> None:
    vault_of(home).keep(KEY, "hunter2-hunter2")

    assert vault_of(home).read(KEY) == "hunter2-hunter2"
    assert vault_of(Home(home.root / "other")).read(KEY) == ""
    loaded = load(home, {})
    assert token(loaded) == "hunter2-hunter2" and loaded.warnings == ()
    assert loaded.origins[KEY] == f"keyring, named in {home.config}:3"
    assert "hunter2-hunter2" in loaded.secrets


def test_the_environment_goes_before_the_keyring_and_does_not_ask_it(home: Home) -> None:
    def never(home: Home) -> Vault:
        raise AssertionError("the keyring was asked")

    loaded = load(home, {"DEVOPSCLAW_RELAY_AUTH_TOKEN": "from-the-environment"}, vaults=never)

    assert token(loaded) == "from-the-environment"


def test_a_home_without_a_reference_asks_no_keyring(home: Home) -> None:
    home.config.write_text(json.dumps({"relay": {"auth_token": "in-the-file"}}))

    def never(home: Home) -> Vault:
        raise AssertionError("the keyring was asked")

    assert token(load(home, {}, vaults=never)) == "in-the-file"


@pytest.mark.parametrize("content", ["{}", "locked", "not json"])
def test_a_secret_that_cannot_be_had_is_empty_and_told(home: Home, ring: Path, content: str) -> None:
    ring.write_text(content)

    loaded = load(home, {})

    (warning,) = loaded.warnings
    assert token(loaded) == ""
    assert warning.text.startswith(f"{KEY} cannot be read: ")
    assert "DEVOPSCLAW_RELAY_AUTH_TOKEN=" in warning.hint


@pytest.mark.parametrize("backend", [FailKeyring, NullKeyring])
def test_a_keyring_that_keeps_nothing_is_none(home: Home, backend: type, ring: Path) -> None:
    keyring.set_keyring(backend())

    assert find_vault(home) is None
    assert "no keyring answers" in load(home, {}).warnings[0].text


def test_of_several_keyrings_the_first_real_one_is_taken(
    home: Home, ring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several, null = ChainerBackend(), NullKeyring()  # type: ignore[no-untyped-call]
    monkeypatch.setattr(ChainerBackend, "backends", [null, FileKeyring()])
    keyring.set_keyring(several)

    assert vault_of(home).name == FileKeyring.name


@pytest.mark.parametrize(
    ("module", "real"),
    [
        ("keyrings.alt.file", False),
        ("keyring.backends.fail", False),
        ("keyring.backends.null", False),
        ("keyring.backends.SecretService", True),
        ("keyring.backends.macOS", True),
        ("keyrings.alternative", True),
    ],
)
def test_plain_text_does_not_count(module: str, real: bool) -> None:
    assert is_real(module) is real


def test_a_keyring_that_waits_for_a_person_is_not_waited_for(
    home: Home, ring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(ring)
    monkeypatch.setattr(secrets_module, "PATIENCE", 0.05)

    assert find_vault(home) is None

    hanging = [thread for thread in threading.enumerate() if thread.name == "keyring"]
    assert hanging and all(thread.daemon for thread in hanging), "it does not hold up the end either"
    ring.write_text("{}")  # lets it go
    for thread in hanging:
        thread.join()


class Forgetful(FileKeyring):
    """Says yes and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Nothing is kept."""


def test_what_was_not_kept_is_an_error(home: Home, ring: Path) -> None:
    keyring.set_keyring(Forgetful())

    with pytest.raises(NoAnswer, match="did not keep it"):
        vault_of(home).keep(KEY, "hunter2-hunter2")
