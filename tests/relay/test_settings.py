"""What a relay is started with."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from devopsclaw.model.errors import BadParams
from devopsclaw.relay.settings import SPARE_DESCRIPTORS, RelaySettings, check_descriptors, open_tls
from devopsclaw.relay.tls import CERTIFICATE, own_tls


def test_a_long_token_and_tls_need_no_warning() -> None:
    assert RelaySettings(token="x" * 20).warnings() == ()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (RelaySettings(token="x" * 19), ["could be guessed"]),
        (RelaySettings(), ["no fleet token"]),
        (RelaySettings(token="x" * 20, insecure=True), ["--insecure"]),
        (RelaySettings(insecure=True), ["--insecure", "no fleet token"]),
    ],
)
def test_each_weakness_has_its_warning(settings: RelaySettings, words: list[str]) -> None:
    warnings = settings.warnings()

    assert len(warnings) == len(words)
    assert all(word in warning for word, warning in zip(words, warnings, strict=True))


def test_the_descriptor_limit_is_checked_to_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (1024, 4096))

    check_descriptors(1024 - SPARE_DESCRIPTORS)
    with pytest.raises(BadParams, match=r"--max 961 needs 1025 file descriptors, .* may open 1024") as bad:
        check_descriptors(1025 - SPARE_DESCRIPTORS)

    assert "ulimit -n 1025" in bad.value.hint


def test_without_a_limit_any_number_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    check_descriptors(10**9)


def test_by_default_the_relay_makes_its_own_certificate(tmp_path: Path) -> None:
    served = open_tls(RelaySettings(), tmp_path)

    assert served is not None
    assert served.spki == own_tls(tmp_path).spki


def test_insecure_serves_no_tls_and_makes_no_certificate(tmp_path: Path) -> None:
    assert open_tls(RelaySettings(insecure=True), tmp_path) is None
    assert not (tmp_path / CERTIFICATE).exists()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"tls_cert": Path("c.pem")}, "belong together"),
        ({"tls_key": Path("k.pem")}, "belong together"),
        ({"tls_cert": Path("c.pem"), "tls_key": Path("k.pem"), "insecure": True}, "serves no TLS"),
        ({"tls_cert": Path("c.pem"), "tls_key": Path("k.pem")}, "c.pem and key k.pem cannot be used"),
    ],
)
def test_settings_that_cannot_work_are_bad_parameters(
    tmp_path: Path, given: dict[str, Path], why: str
) -> None:
    with pytest.raises(BadParams, match=why):
        open_tls(RelaySettings(**given), tmp_path)  # type: ignore[arg-type]  # the table mixes types
