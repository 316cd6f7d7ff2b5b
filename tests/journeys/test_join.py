"""Who may join, typed by a person: strong tokens, a node that waits, a copied key, lost keys."""

from __future__ import annotations

import json
import shutil
from typing import Any

from tests.journeys.processes import TOKEN, House, Machine, Serving, wait_for

CREATE = ("node", "token", "create", "--yes")


def made(desk: Machine, *words: str) -> str:
    """A new join token."""
    done = desk(*CREATE, *words)
    assert done.code == 0, done.err
    return done.out.strip()


def started(house: House, name: str, url: str, token: str, *flags: str, on: str = "") -> Serving:
    """A daemon with this token in a file, as a person would have it."""
    machine = house.machine(on or name)
    file = machine.user / "token"
    file.write_text(token + "\n")
    return machine.start("agent-daemon", "--relay", url, "--node-id", name, "--token-file", str(file), *flags)


def listed(desk: Machine) -> dict[str, Any]:
    """The nodes, by name."""
    return {item["name"]: item for item in desk("node", "list", "--json").json["items"]}


def tokens(desk: Machine) -> list[dict[str, Any]]:
    """The join tokens, the newest first."""
    items: list[dict[str, Any]] = desk("node", "token", "list", "--json").json["items"]
    return items


def audited(desk: Machine, action: str) -> list[dict[str, Any]]:
    """The entries of this action."""
    entries: list[dict[str, Any]] = desk("audit", "list", "--action", action, "--json").json["items"]
    return entries


def test_a_strong_token_lets_one_node_in_with_its_labels_and_is_refused_ever_after(house: House) -> None:
    desk = house.machine("desk")
    _, url = house.relay()
    token = made(desk, "--name", "prod-web-*", "--tags", "env=prod,role=web")

    first = started(house, "prod-web-1", url, token)
    first.wait_said("prod-web-1: connected to")
    run = desk("run", "echo here", "--tag", "role=web", "--json")
    assert run.statuses == {"prod-web-1": "ok"}
    fingerprint = listed(desk)["prod-web-1"]["uid"]
    assert f"prod-web-1: fingerprint {fingerprint}" in first.said

    second = started(house, "prod-web-2", url, token)
    assert second.wait() == 3
    assert "this join token is used up: it was good for one node" in second.said
    assert "node token create" in second.said and "Traceback" not in second.said

    (item,) = tokens(desk)
    assert (item["state"], item["left"], item["name"]) == ("spent", "0/1", "prod-web-*")
    (alarm,) = wait_for("the alarm is on record", lambda: audited(desk, "alarm.token_spent"))
    assert (alarm["status"], alarm["detail"]["name"]) == ("denied", "prod-web-2")
    secret = token.rsplit(".", 1)[1]
    kept = [path for path in house.root.rglob("*") if path.is_file() and path.name != "token"]
    assert [path for path in kept if secret.encode() in path.read_bytes()] == []


def test_expired_revoked_misnamed_and_broken_tokens_each_say_what_is_wrong(house: House) -> None:
    desk = house.machine("desk")
    _, url = house.relay()
    short = made(desk, "--ttl", "1s")
    misnamed = made(desk, "--name", "prod-*")
    revoked = made(desk)
    assert desk("node", "token", "revoke", tokens(desk)[0]["id"], "--yes").code == 0
    wait_for(
        "the short token expires",
        lambda: (
            "expired" in {each["state"] for each in desk("node", "token", "list", "--json").json["items"]}
        ),
    )

    for token, words in (
        (short, "this join token expired at"),
        (misnamed, "this join token is for the name prod-*, not for web-9"),
        (revoked, "this join token was revoked"),
    ):
        daemon = started(house, "web-9", url, token)
        assert daemon.wait() == 3, daemon.said
        assert words in daemon.said and "try: " in daemon.said
    cut = started(house, "web-9", url, misnamed[:-4])
    assert cut.wait() == 2
    assert "copy the whole line" in cut.said
    assert "web-9" not in listed(desk)
    assert desk("node", "token", "create").code == 9, "it changes who is trusted: nobody was asked"


def test_a_node_from_elsewhere_waits_until_its_fingerprint_was_accepted(house: House) -> None:
    desk = house.machine("desk")
    _, url = house.relay()
    assert (
        desk("node", "register", "--name", "web-1", "--address", "10.9.9.9", "--tags", "role=web").code == 0
    )
    daemon = house.daemon("web-1", url)
    wait_for("web-1 waits", lambda: listed(desk)["web-1"]["status"] == "waiting")

    refused = desk("run", "echo here", "--target", "web-1")
    assert refused.code != 0 and "devopsclaw node accept web-1" in refused.out + refused.err
    plan = desk("node", "accept", "web-1", "--dry-run")
    fingerprint = listed(desk)["web-1"]["uid"]
    assert fingerprint in plan.out and f"fingerprint {fingerprint}" in daemon.said
    assert desk("node", "accept", "web-1").code == 9
    assert desk("node", "accept", "web-1", "--yes").code == 0

    assert desk("run", "echo here", "--tag", "role=web", "--json").statuses == {"web-1": "ok"}


def test_a_copied_key_shuts_both_out_until_a_person_released_it(house: House) -> None:
    desk = house.machine("desk")
    _, url = house.relay()
    right = house.daemon("web-1", url)
    house.claim(desk, [right])
    copy = house.machine("copy")
    shutil.copytree(house.machine("web-1").home / "keys", copy.home / "keys")
    copy.home.chmod(0o700)
    wrong = copy.start("agent-daemon", "--relay", url, "--node-id", "web-1")
    right.wait_said("two machines used the key of web-1")
    wrong.wait_said("two machines used the key of web-1")

    assert listed(desk)["web-1"]["status"] == "quarantined"
    assert "devopsclaw node release web-1" in desk("run", "true", "--target", "web-1").err
    wait_for("the alarm is on record", lambda: audited(desk, "alarm.duplicate_key"))
    wrong.end()
    assert desk("node", "release", "web-1", "--yes").code == 0
    right.end()
    house.daemon("web-1", url)

    assert desk("run", "true", "--target", "web-1", "--json").statuses == {"web-1": "ok"}
    assert desk("node", "release", "web-1", "--yes").code == 2


WORDS = {"DEVOPSCLAW_KEYS_PASSPHRASE": "correct horse battery"}


def test_saved_keys_bring_a_fleet_back_from_a_lost_desk(house: House) -> None:
    desk = house.machine("desk")
    _, url = house.relay(on="relay")
    claim = json.loads((house.machine("relay").home / "run" / "relay.json").read_text())["claim"]
    daemon = house.daemon("web-1", url)
    desk.home.mkdir(mode=0o700)
    (desk.home / "config.json").write_text(json.dumps({"relay": {"auth_token": TOKEN}}))
    assert desk("relay", "connect", url, "--claim", claim, "--yes").code == 0
    daemon.wait_said("connected to", times=2)
    assert desk("run", "true", "--json").statuses == {"web-1": "ok"}

    assert desk("keys", "export", "saved", "--yes").code == 2, "without a passphrase and without a terminal"
    assert desk("keys", "export", "saved", **WORDS).code == 9
    saved = desk("keys", "export", "saved", "--yes", **WORDS)
    assert saved.code == 0, saved.err
    file = desk.user / "saved"
    assert file.stat().st_mode & 0o777 == 0o600
    assert (desk.home / "keys" / "exported.json").exists()
    assert desk("keys", "export", "saved", "--yes", **WORDS).code == 2, "it may be the only copy"

    lost = house.machine("lost")
    refused = lost("relay", "connect", url, "--yes")
    assert refused.code != 0
    fresh = house.machine("fresh")
    shutil.copy(file, fresh.user / "saved")
    wrong = fresh("keys", "import", "saved", "--yes", DEVOPSCLAW_KEYS_PASSPHRASE="not these words")
    assert (wrong.code, "does not open" in wrong.err) == (3, True)
    done = fresh("keys", "import", "saved", "--yes", **WORDS)
    assert done.code == 0, done.err
    assert f"relay connect {url}" in done.out
    assert fresh("relay", "connect", url, "--yes").code == 0
    assert fresh("run", "true", "--target", "web-1", "--json").statuses == {"web-1": "ok"}

    again = fresh("keys", "import", "saved", "--yes", **WORDS)
    assert again.code == 0, "the same key is no other one"
    assert desk("keys", "import", "saved", "--yes", **WORDS).code == 0


def test_a_used_key_is_not_replaced_unasked_and_is_kept_when_it_is(house: House) -> None:
    desk, other = house.machine("desk"), house.machine("other")
    house.relay()
    assert desk("node", "list").code == 0
    assert other("keys", "export", "saved", "--yes", **WORDS).code == 0
    shutil.copy(other.user / "saved", desk.user / "saved")

    refused = desk("keys", "import", "saved", "--yes", **WORDS)
    assert refused.code == 3 and "--force" in refused.err
    forced = desk("keys", "import", "saved", "--yes", "--force", **WORDS)
    assert forced.code == 0, forced.err
    (kept,) = desk.home.glob("keys/controller.pem.replaced-*")
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_node_of_a_lost_controller_is_shown_as_such_and_comes_back_by_its_own_root(house: House) -> None:
    desk = house.machine("desk")
    relay, url = house.relay()
    daemon = house.daemon("web-1", url)
    house.claim(desk, [daemon])
    assert desk("run", "true", "--json").statuses == {"web-1": "ok"}

    relay.end()
    (desk.home / "keys" / "controller.pem").unlink()
    for path in [*desk.home.glob("state/relay.db*"), *desk.home.glob("state/core.db*")]:
        path.unlink()
    _, url = house.relay(address=url.removeprefix("ws://"))
    assert desk("node", "list").code == 0
    daemon.wait_said("the relay belongs to another controller than the one this node obeys")
    seen = wait_for("the new controller sees why", lambda: listed(desk).get("web-1", {}).get("alarm"))
    assert "devopsclaw agent-daemon --reset-trust" in seen
    assert desk("run", "true", "--target", "web-1").code != 0

    node = house.machine("web-1")
    running = node("agent-daemon", "--reset-trust")
    assert running.code != 0 and "agent-daemon" in running.err
    daemon.end()
    reset = node("agent-daemon", "--reset-trust")
    assert (reset.code, "forgotten: this node obeyed the controller" in reset.err) == (0, True)
    started(house, "web-1", url, made(desk)).wait_said("web-1: connected to")
    assert desk("run", "true", "--json").statuses == {"web-1": "ok"}
