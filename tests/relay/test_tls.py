"""The self-made certificate, given ones, and the pin of a certificate's key."""

from __future__ import annotations

import asyncio.sslproto
import hashlib
import ssl
import subprocess
from pathlib import Path

import pytest

from devopsclaw.model.errors import BadParams, Damaged
from devopsclaw.relay.tls import CERTIFICATE, client_context, given_tls, own_tls, shrink_buffers, spki_of


def test_the_certificate_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = own_tls(tmp_path / "keys")
    again = own_tls(tmp_path / "keys")

    assert first.spki == again.spki
    assert (tmp_path / "keys" / CERTIFICATE).stat().st_mode & 0o777 == 0o600


def test_two_relays_have_two_keys(tmp_path: Path) -> None:
    assert own_tls(tmp_path / "one").spki != own_tls(tmp_path / "two").spki


def test_the_pin_is_the_hash_that_openssl_computes(tmp_path: Path) -> None:
    pin = own_tls(tmp_path).spki
    command = f"openssl x509 -in {tmp_path / CERTIFICATE} -pubkey -noout | openssl pkey -pubin -outform der"

    public = subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout

    assert hashlib.sha256(public).digest() == pin


def test_a_damaged_certificate_says_which_file_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / CERTIFICATE).write_text("nothing of use")

    with pytest.raises(Damaged, match=CERTIFICATE) as damaged:
        own_tls(tmp_path)

    assert "remove it" in damaged.value.hint


def test_given_files_are_used(tmp_path: Path) -> None:
    made = own_tls(tmp_path)

    assert given_tls(tmp_path / CERTIFICATE, tmp_path / CERTIFICATE).spki == made.spki


@pytest.mark.parametrize("text", [None, "nothing of use"])
def test_given_files_that_cannot_be_used_are_named(tmp_path: Path, text: str | None) -> None:
    own_tls(tmp_path)
    if text is not None:
        (tmp_path / "key.pem").write_text(text)

    with pytest.raises(BadParams, match=r"key\.pem cannot be used"):
        given_tls(tmp_path / CERTIFICATE, tmp_path / "key.pem")


def test_an_encrypted_key_is_refused_without_asking_on_the_terminal(tmp_path: Path) -> None:
    own_tls(tmp_path)
    command = ["openssl", "pkey", "-in", str(tmp_path / CERTIFICATE), "-aes256", "-passout", "pass:x"]
    sealed = subprocess.run(command, capture_output=True, check=True).stdout
    (tmp_path / "key.pem").write_bytes(sealed)

    with pytest.raises(BadParams, match="encrypted"):
        given_tls(tmp_path / CERTIFICATE, tmp_path / "key.pem")


def test_clients_speak_nothing_older_than_tls_1_3() -> None:
    assert client_context().minimum_version is ssl.TLSVersion.TLSv1_3


def test_bytes_that_are_no_certificate_are_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"parsing|ASN"):
        spki_of(b"nothing")


def test_idle_tls_connections_are_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.sslproto.SSLProtocol, "max_size", 256 * 1024)

    shrink_buffers()

    assert asyncio.sslproto.SSLProtocol.max_size == 16 * 1024
