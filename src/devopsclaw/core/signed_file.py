"""Small signed files: a text, and beside it the signature over exactly that text. Not what it says."""

from __future__ import annotations

import json
from pathlib import Path

from devopsclaw.core import keys
from devopsclaw.core.keys import SigningKey
from devopsclaw.core.private_file import write_private


class Forged(ValueError):
    """The file is not what the holder of the key wrote."""


def write_signed(path: Path, purpose: bytes, text: str, key: SigningKey) -> None:
    """Replace the file, durable when this returns. `purpose` keeps a signature from being used elsewhere.

    Raises OSError.
    """
    signature = key.sign(_message(purpose, text)).hex()
    fields = {"signed": text, "public": key.public_hex, "signature": signature}
    write_private(path, json.dumps(fields) + "\n")


def read_signed(path: Path, purpose: bytes, public: bytes) -> str:
    """The text that was signed. Raises Forged, and OSError where it cannot be read."""
    try:
        fields = json.loads(path.read_bytes())
        text, signature = str(fields["signed"]), bytes.fromhex(fields["signature"])
    except (ValueError, TypeError, LookupError) as broken:
        raise Forged(f"{path.name} is no signed file") from broken
    if fields.get("public") != public.hex():
        raise Forged(f"{path.name} was signed with another key")
    if not keys.verify(public, signature, _message(purpose, text)):
        raise Forged(f"{path.name} was changed after it was signed")
    return text


def _message(purpose: bytes, text: str) -> bytes:
    return purpose + b"\0" + text.encode("utf-8", "surrogatepass")
