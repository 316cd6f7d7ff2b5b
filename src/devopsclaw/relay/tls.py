"""TLS as the relay and its clients use it: contexts, the self-made certificate, and the pin of a certificate.

Trust does not come from here: it comes from the handshake (`wire.enroll`), which covers `spki_of`.
"""

from __future__ import annotations

import asyncio.sslproto
import hashlib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from devopsclaw.core.private_file import write_private
from devopsclaw.model.errors import BadParams, Damaged

CERTIFICATE = "relay-tls.pem"
"""Key and certificate in one file, in the folder of keys."""
NO_END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""RFC 5280 §4.1.2.5: a certificate without a well-defined end. Clients pin its key, not its dates."""
TLS_BUFFER = 16 * 1024
"""Bytes; the largest record of TLS 1.3 (RFC 8446 §5.1)."""


@dataclass(frozen=True, slots=True)
class ServerTls:
    """What a relay serves TLS with; `spki` is what goes into transcripts."""

    context: ssl.SSLContext
    spki: bytes


def client_context() -> ssl.SSLContext:
    """TLS 1.3 to whoever answers.

    No certificate authority and no host name is checked, and that is safe here: the certificate is self-made,
    and the handshake that follows covers its key as both sides saw it. Whoever terminates TLS in between
    shows another key, so neither the token's proof nor the pinned relay's signature fits (`wire.enroll`).
    Nothing is said before that but names, public keys and nonces.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def own_tls(keys: Path) -> ServerTls:
    """TLS with the self-made certificate of this folder, made if there is none. Raises Damaged."""
    path = keys / CERTIFICATE
    try:
        if not path.exists():
            keys.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, _make())
        return _load(path, path)
    except (OSError, ValueError) as wrong:
        raise Damaged(
            f"the relay's certificate {path} cannot be used: {_reason(wrong)}",
            hint="restore it from a backup, or remove it: the next start makes another",
        ) from wrong


def given_tls(certificate: Path, key: Path) -> ServerTls:
    """TLS with the operator's own certificate and key, PEM files. Raises BadParams naming them."""
    try:
        return _load(certificate, key)
    except (OSError, ValueError) as wrong:
        raise BadParams(
            f"certificate {certificate} and key {key} cannot be used: {_reason(wrong)}",
            hint="--tls-cert takes a PEM certificate (chain), --tls-key its unencrypted PEM key",
        ) from wrong


def spki_of(certificate: bytes) -> bytes:
    """SHA-256 of the SubjectPublicKeyInfo of a DER certificate, 32 bytes. Raises ValueError."""
    public = x509.load_der_x509_certificate(certificate).public_key()
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def shrink_buffers() -> None:
    """Make asyncio's TLS connections of this process small; call before listening.

    asyncio allocates 256 KiB to read into for each TLS connection (`SSLProtocol.max_size`), which is
    what most of the memory of an idle one is; a record is never larger than 16 KiB.
    """
    asyncio.sslproto.SSLProtocol.max_size = TLS_BUFFER


def _load(certificate: Path, key: Path) -> ServerTls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # sessions are long and never resumed, so tickets would only cost memory
    context.load_cert_chain(certificate, key, password=_no_password)
    leaf = x509.load_pem_x509_certificate(certificate.read_bytes())
    return ServerTls(context, spki_of(leaf.public_bytes(Encoding.DER)))


def _no_password() -> str:
    """Without this, OpenSSL would ask on the terminal for the password of an encrypted key."""
    raise ValueError("the key is encrypted")


def _make() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "devopsclaw relay")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(NO_END)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (private + certificate.public_bytes(Encoding.PEM)).decode()


def _reason(wrong: Exception) -> str:
    """Why, without the text of OpenSSL's stack."""
    if isinstance(wrong, ssl.SSLError):
        return "they do not belong together, or are no PEM files"
    return str(getattr(wrong, "strerror", None) or wrong)
