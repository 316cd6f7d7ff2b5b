"""The policy file on a disk: seen when it changes, and not believed when others could have written it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.daemon.node_driver import offered

from devopsclaw.daemon.effects import Rejected
from devopsclaw.daemon.policy_file import MAX_BYTES, PolicyFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.yaml"


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Put this text there, as an editor does: a new file over the old one."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.chmod(mode)
    beside.replace(path)


def refusal(policy: PolicyFile, line: str = "uptime") -> str:
    """Why the node would not run this; empty where it would."""
    try:
        policy.check(offered(line=line)[0])
    except Rejected as refused:
        assert refused.code == "policy"
        return refused.message
    return ""


def test_without_a_file_nothing_is_forbidden_and_nothing_is_said(path: Path) -> None:
    for policy in (PolicyFile(path), PolicyFile(path / "below" / "nothing")):
        assert (refusal(policy), policy.word, policy.facts, policy.notice) == ("", "none", {}, "")


def test_a_file_is_in_force_and_says_so(path: Path) -> None:
    write(path, "refuse: [reboot]")
    policy = PolicyFile(path)

    assert refusal(policy, "reboot") and not refusal(policy)
    assert policy.facts == {"policy": "in force"}
    assert policy.notice == f"policy {path}: in force"


def test_what_is_changed_counts_from_the_next_command_on(path: Path) -> None:
    policy = PolicyFile(path)
    assert not refusal(policy, "reboot")

    write(path, "refuse: [reboot]")
    assert refusal(policy, "reboot")

    write(path, "refuse: [uptime]")
    assert refusal(policy) and not refusal(policy, "reboot")

    path.write_text("refuse: [upward]")
    assert not refusal(policy)

    path.unlink()
    assert not refusal(policy, "upward")


def test_a_broken_file_forbids_everything_until_it_is_mended(path: Path) -> None:
    write(path, "read_only: true\nrefuze: [reboot]")
    policy = PolicyFile(path)

    assert refusal(policy) == (
        "policy file broken: line 2: there is no rule refuze; there are refuse, allow_only, users, "
        f"no_model, read_only, max_timeout ({path})"
    )
    assert policy.facts["policy"].startswith("broken: line 2: ")
    assert policy.notice.endswith("; until it is mended this node runs nothing")

    write(path, "read_only: true")
    assert refusal(policy) == ""


def test_nothing_of_the_old_rules_is_left_in_a_broken_file(path: Path) -> None:
    write(path, "allow_only: [uptime]")
    policy = PolicyFile(path)
    assert not refusal(policy)

    write(path, "allow_only: [uptime")

    assert refusal(policy).startswith("policy file broken: line 1: ")


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666, 0o777])
def test_a_file_that_others_may_write_is_not_believed(mode: int, path: Path) -> None:
    write(path, "refuse: []", mode)
    policy = PolicyFile(path)

    assert "others may write it: chmod go-w it" in refusal(policy)
    path.chmod(0o644)
    assert refusal(policy) == ""


def test_a_file_of_somebody_else_is_not_believed(path: Path) -> None:
    write(path, "refuse: []")
    policy = PolicyFile(path, owner=os.geteuid() + 1)

    if os.geteuid() == 0:
        os.chown(path, 4242, -1)
    assert "neither to root nor to this daemon" in refusal(policy)


@pytest.mark.parametrize("content", [b"\xff", b"a" * (MAX_BYTES + 1)])
def test_bytes_that_are_no_policy_forbid_everything(content: bytes, path: Path) -> None:
    path.write_bytes(content)

    assert refusal(PolicyFile(path)).startswith("policy file broken: it is ")


def test_what_is_no_file_forbids_everything(path: Path) -> None:
    folder, pipe, link, loop = (path.with_name(name) for name in ("folder", "pipe", "link", "loop"))
    folder.mkdir()
    os.mkfifo(pipe, 0o600)
    link.symlink_to("nowhere")
    loop.symlink_to("loop")

    for each in (folder, pipe, link, loop):
        assert refusal(PolicyFile(each)).startswith("policy file broken: it ")


def test_a_link_to_a_policy_is_followed(path: Path) -> None:
    write(path, "refuse: [reboot]")
    path.with_name("link").symlink_to(path)

    assert refusal(PolicyFile(path.with_name("link")), "reboot")
