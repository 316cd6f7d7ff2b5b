"""Private keys, Ed25519, one PEM file each, 0600. Not who is trusted: that is for whoever pins a public key.

Source: RFC 8032 (Ed25519), RFC 8410 (its PKCS #8 form).
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from devopsclaw.core.durable import sync_folder
from devopsclaw.model.errors import Damaged

_NAME = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key in memory; its text form shows the public half only."""

    private: Ed25519PrivateKey = field(repr=False)
    public: bytes = field(repr=False)
    """32 bytes, raw."""
    public_hex: str
    """The same as 64 hexadecimal digits."""

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self.private.sign(message)


class Keys:
    """The keys of one folder. A key is made once and never written again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_or_create(self, name: str) -> SigningKey:
        """The key of this name (lower-case letters, digits, dashes); made if there is none.

        Two processes that make it at once get the same one. Raises Damaged where the file is unreadable,
        holds no such key, or can be read by others.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name for a key")
        path = self._folder / f"{name}.pem"
        try:
            if not path.exists():
                self._create(path)
            _require_private(path)
            return _loaded(path, path.read_bytes())
        except OSError as failed:
            raise Damaged(
                f"the key {path} cannot be used: {failed.strerror}",
                hint="check the owner, mode and free space of that folder",
            ) from failed

    def _create(self, path: Path) -> None:
        """Write it beside, then link it into place: whoever is second finds the first one's key."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=self._folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            _link(Path(name), path)
        finally:
            Path(name).unlink()
        sync_folder(self._folder)


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the holder of this public key (32 bytes, raw) signed the message; False for malformed input."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _loaded(path: Path, text: bytes) -> SigningKey:
    try:
        private = serialization.load_pem_private_key(text, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as broken:
        raise _no_key(path) from broken
    if not isinstance(private, Ed25519PrivateKey):
        raise _no_key(path)
    public = private.public_key().public_bytes_raw()
    return SigningKey(private, public, public.hex())


def _no_key(path: Path) -> Damaged:
    return Damaged(
        f"{path} holds no Ed25519 private key", hint="restore it from a backup; a new key is another identity"
    )


def _require_private(path: Path) -> None:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise Damaged(
            f"the key {path} is open to others (mode {mode:04o})",
            hint=f"chmod 600 {path}, and think about who may have read it",
        )


def _link(written: Path, path: Path) -> None:
    try:
        path.hardlink_to(written)
    except FileExistsError:
        return
