"""A signed file says what the holder of the key wrote, or nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devopsclaw.core.keys import Keys, SigningKey
from devopsclaw.core.signed_file import Forged, read_signed, write_signed

PURPOSE = b"test-1"


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return Keys(tmp_path / "keys").load_or_create("audit")


@pytest.fixture
def file(tmp_path: Path, key: SigningKey) -> Path:
    path = tmp_path / "seal.json"
    write_signed(path, PURPOSE, '{"seq": 7}', key)
    return path


def test_what_was_signed_is_read(file: Path, key: SigningKey) -> None:
    assert read_signed(file, PURPOSE, key.public) == '{"seq": 7}'
    assert file.stat().st_mode & 0o777 == 0o600


def test_it_is_replaced_whole(file: Path, key: SigningKey) -> None:
    write_signed(file, PURPOSE, "next", key)

    assert read_signed(file, PURPOSE, key.public) == "next"


def test_another_text_under_the_same_signature_is_forged(file: Path, key: SigningKey) -> None:
    fields = json.loads(file.read_text())
    file.write_text(json.dumps({**fields, "signed": '{"seq": 8}'}))

    with pytest.raises(Forged, match="changed after it was signed"):
        read_signed(file, PURPOSE, key.public)


def test_a_signature_for_another_purpose_is_forged(file: Path, key: SigningKey) -> None:
    with pytest.raises(Forged, match="changed after it was signed"):
        read_signed(file, b"other-1", key.public)


def test_another_key_is_told_apart_from_an_edit(file: Path, tmp_path: Path) -> None:
    other = Keys(tmp_path / "keys").load_or_create("other")

    with pytest.raises(Forged, match="signed with another key"):
        read_signed(file, PURPOSE, other.public)


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", '{"signed": "a", "signature": "zz"}'])
def test_what_is_no_signed_file_is_forged(file: Path, key: SigningKey, text: str) -> None:
    file.write_text(text)

    with pytest.raises(Forged, match="no signed file"):
        read_signed(file, PURPOSE, key.public)


def test_a_file_that_is_not_there_is_not_a_forged_one(tmp_path: Path, key: SigningKey) -> None:
    with pytest.raises(FileNotFoundError):
        read_signed(tmp_path / "nothing.json", PURPOSE, key.public)
