"""Whose commands a node runs: the first key it is shown, for good."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.daemon.daemon_place import CONTROLLER, UID, House, key_of

from devopsclaw.daemon.effects import Rejected
from devopsclaw.daemon.trust import Pinned, Trust
from devopsclaw.fleet.signing import Signer
from devopsclaw.model.errors import Damaged
from devopsclaw.wire import merkle
from devopsclaw.wire.envelope import sign_envelope
from devopsclaw.wire.offer import Sealed

ROOT, OTHER = CONTROLLER.public_hex, key_of("mallory").public_hex


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "trust.json"


def test_a_node_that_was_shown_nobody_obeys_nobody(path: Path) -> None:
    trust = Trust(path)
    command = House(path.parent).command("true")

    assert trust.root == ""
    with pytest.raises(Rejected) as refused:
        trust.offer(UID, Sealed.unpack(command.body), command.signature)
    assert refused.value.code == "unclaimed"


def test_an_unclaimed_relay_shows_nobody_and_pins_nothing(path: Path) -> None:
    trust = Trust(path)

    assert trust.show("") and trust.root == "" and not path.exists()


def test_the_first_key_shown_is_pinned_for_good(path: Path) -> None:
    path.parent.mkdir()
    trust = Trust(path)

    assert trust.show(ROOT) and trust.show(ROOT)
    assert not trust.show(OTHER)
    assert trust.root == Trust(path).root == ROOT
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_relay_that_lost_its_claim_changes_nothing(path: Path) -> None:
    path.parent.mkdir()
    trust = Trust(path)
    trust.show(ROOT)

    assert trust.show("") and trust.root == ROOT


def test_a_key_that_cannot_be_kept_is_not_trusted(path: Path) -> None:
    path.parent.write_text("no folder")
    trust = Trust.__new__(Trust)
    trust._path, trust.root = path, ""

    with pytest.raises(Damaged, match="cannot be written"):
        trust.show(ROOT)
    assert trust.root == ""


@pytest.mark.parametrize("content", ["", "{", "[]", '{"other": 1}', "\xff"])
def test_a_file_that_cannot_be_read_is_not_taken_for_nobody(content: str, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(content.encode("latin-1"))

    with pytest.raises(Damaged) as broken:
        Trust(path)
    assert "does not know whose commands to run" in broken.value.message
    assert "restore it from a backup" in broken.value.hint


def test_what_the_root_signed_is_taken(tmp_path: Path) -> None:
    trust, house = Pinned(ROOT), House(tmp_path)
    command = house.command("uptime")

    offer = trust.offer(UID, Sealed.unpack(command.body), command.signature)
    assert offer.work.params.command == "uptime"
    body, signature = house.signer.cancel(command)
    assert trust.cancel(body, signature).command == command.id


def test_what_the_root_signed_for_another_node_is_refused(tmp_path: Path) -> None:
    command = House(tmp_path).command("uptime")

    with pytest.raises(Rejected) as refused:
        Pinned(ROOT).offer("n_other", Sealed.unpack(command.body), command.signature)
    assert refused.value.code == "wrong_node"


def test_what_somebody_else_signed_is_refused(tmp_path: Path) -> None:
    trust, house = Pinned(ROOT), House(tmp_path)
    house.signer = Signer(key_of("mallory"))
    command = house.command("uptime")
    body, signature = house.signer.cancel(command)

    for attempt in (
        lambda: trust.offer(UID, Sealed.unpack(command.body), command.signature),
        lambda: trust.cancel(body, signature),
    ):
        with pytest.raises(Rejected) as refused:
            attempt()
        assert refused.value.code == "bad_signature"


def test_what_is_signed_and_senseless_is_refused(tmp_path: Path) -> None:
    sealed = Sealed(b'{"v":99}', merkle.Path(0, b""), b"{}")

    with pytest.raises(Rejected) as refused:
        Pinned(ROOT).offer(UID, sealed, sign_envelope(CONTROLLER.private, sealed.envelope))
    assert refused.value.code == "bad_envelope"
