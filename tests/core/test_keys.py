"""Private keys: made once, private, the same for two processes at once."""

from __future__ import annotations

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import x25519
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.core.keys import Keys, SigningKey, verify
from devopsclaw.model.errors import Damaged


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return Keys(tmp_path_factory.mktemp("keys")).load_or_create("test")


def test_a_key_is_made_once_and_found_again(tmp_path: Path) -> None:
    first = Keys(tmp_path / "keys").load_or_create("controller")
    second = Keys(tmp_path / "keys").load_or_create("controller")
    other = Keys(tmp_path / "keys").load_or_create("audit")

    assert first.public == second.public == bytes.fromhex(first.public_hex)
    assert other.public != first.public
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["audit.pem", "controller.pem"]


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    Keys(tmp_path / "keys").load_or_create("node")

    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "keys" / "node.pem").stat().st_mode) == 0o600


@settings(deadline=None, max_examples=50)
@given(message=st.binary(max_size=200), position=st.integers(0, 63), bits=st.integers(1, 255))
def test_a_signature_holds_for_its_message_only(
    key: SigningKey, message: bytes, position: int, bits: int
) -> None:
    signature = key.sign(message)
    forged = bytearray(signature)
    forged[position] ^= bits

    assert verify(key.public, signature, message)
    assert not verify(key.public, bytes(forged), message)
    assert not verify(key.public, signature, message + b"!")


def test_malformed_keys_and_signatures_prove_nothing(key: SigningKey) -> None:
    assert not verify(b"short", key.sign(b"x"), b"x")
    assert not verify(key.public, b"short", b"x")


def test_two_threads_that_make_it_at_once_get_the_same_key(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: keys.load_or_create("node").public, range(8)))

    assert len(set(made)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["node.pem"]


def test_two_processes_that_make_it_at_once_get_the_same_key(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from devopsclaw.core.keys import Keys;"
        "print(Keys(pathlib.Path(sys.argv[1])).load_or_create('node').public_hex)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]

    printed = {process.communicate()[0].strip() for process in running}

    assert len(printed) == 1 and len(printed.pop()) == 64


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    Keys(tmp_path).load_or_create("node")
    (tmp_path / "node.pem").chmod(0o640)

    with pytest.raises(Damaged, match=r"open to others \(mode 0640\)") as refused:
        Keys(tmp_path).load_or_create("node")
    assert refused.value.hint.startswith("chmod 600")


@pytest.mark.parametrize("text", [b"", b"no key", None])
def test_a_file_that_is_no_such_key_is_refused_and_left_as_it_is(tmp_path: Path, text: bytes | None) -> None:
    wrong_kind = x25519.X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "node.pem"
    path.touch(0o600)
    path.write_bytes(wrong_kind if text is None else text)

    with pytest.raises(Damaged, match="holds no Ed25519 private key"):
        Keys(tmp_path).load_or_create("node")
    assert path.read_bytes() == (wrong_kind if text is None else text)


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file")

    with pytest.raises(Damaged, match="cannot be used"):
        Keys(tmp_path / "keys").load_or_create("node")


def test_a_name_is_no_path(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no name for a key"):
        Keys(tmp_path).load_or_create("../node")


def test_the_private_half_is_never_printed(tmp_path: Path) -> None:
    key = Keys(tmp_path).load_or_create("node")

    assert repr(key) == f"SigningKey(public_hex={key.public_hex!r})"
