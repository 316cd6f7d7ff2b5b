"""The fleet token: from a file before a value, and never in an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from devopsclaw.assembly.token import token_of
from devopsclaw.model.errors import BadConfig

VALUE = SecretStr("from-the-configuration")


@pytest.mark.parametrize(
    ("content", "token"),
    [("hunter2", "hunter2"), ("hunter2\n", "hunter2"), ("  hunter2 \r\nsecond line\n", "hunter2")],
)
def test_the_first_line_of_the_file_is_the_token(content: str, token: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(content)

    assert token_of(str(file), VALUE) == token


def test_without_a_file_the_value_counts() -> None:
    assert token_of("", VALUE) == "from-the-configuration"
    assert token_of("", SecretStr("")) == ""


def test_the_home_of_the_user_may_be_written_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "token").write_text("hunter2")

    assert token_of("~/token", VALUE) == "hunter2"


@pytest.mark.parametrize("content", ["", "\n", "   \nhunter2\n"])
def test_a_file_without_a_token_is_an_error_and_not_no_token(content: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(content)

    with pytest.raises(BadConfig, match="is empty") as refused:
        token_of(str(file), VALUE)
    assert "hunter2" not in refused.value.message + refused.value.hint


def test_a_file_that_cannot_be_read_is_an_error_with_its_name(tmp_path: Path) -> None:
    for broken in (tmp_path / "missing", tmp_path):
        with pytest.raises(BadConfig, match="cannot be read") as refused:
            token_of(str(broken), VALUE)
        assert str(broken) in refused.value.message


def test_a_file_that_is_no_text_is_an_error_that_does_not_quote_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"\xff\xfehunter2")

    with pytest.raises(BadConfig) as refused:
        token_of(str(file), VALUE)
    assert "hunter2" not in refused.value.message
