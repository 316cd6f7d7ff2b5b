"""The owner's rules: each refuses what it says, none ever allows more, and a broken text is none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.daemon.node_driver import offered

from devopsclaw.daemon.effects import Rejected
from devopsclaw.daemon.policy import BrokenPolicy, Rules, parse
from devopsclaw.model.risk import Effect


def refusal(text: str, **offer: Any) -> str:
    """Why a policy refuses an offer; empty where it does not."""
    try:
        parse(text).check(offered(**offer)[0])
    except Rejected as refused:
        assert refused.code == "policy"
        return refused.message
    return ""


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "refuse: []", "no_model: false\nread_only: false"])
def test_a_policy_that_forbids_nothing_refuses_nothing(text: str) -> None:
    assert refusal(text, line="rm -rf /", effect=Effect.DESTRUCTIVE, timeout=None) == ""


@pytest.mark.parametrize(
    ("rule", "line", "is_refused"),
    [
        ("reboot", "sudo reboot", True),
        ("reboot", "reboot; true", True),
        ("reboot", "cat rebooted.log", False),
        ("reboot", "cat no-reboot", False),
        (r"'rm\s+-r'", "cd / && rm   -rf x", True),
        (r"'rm\s+-r'", "rm x", False),
        ("'^shutdown'", "echo shutdown", False),
    ],
)
def test_a_word_stands_alone_and_an_expression_is_found_anywhere(
    rule: str, line: str, is_refused: bool
) -> None:
    assert bool(refusal(f"refuse: [{rule}]", line=line)) is is_refused


@pytest.mark.parametrize(
    ("line", "is_refused"),
    [
        ("uptime", False),
        ("systemctl status nginx", False),
        ("uptime; reboot", True),
        ("systemctl status nginx\nreboot", True),
        ("UPTIME", True),
    ],
)
def test_what_is_not_listed_whole_is_refused(line: str, is_refused: bool) -> None:
    policy = "allow_only: [uptime, 'systemctl status .*']"

    assert bool(refusal(policy, line=line)) is is_refused


def test_an_empty_list_allows_nothing() -> None:
    assert refusal("allow_only: []", line="true")
    assert refusal("users: []")


def test_only_the_named_people() -> None:
    assert refusal("users: [ada]", user="ada") == ""
    assert refusal("users: [ada]", user="bob") == "this node's policy allows nothing that bob asked for"
    assert "nobody" in refusal("users: [ada]", user="")


def test_nothing_a_model_asked_for() -> None:
    assert refusal("no_model: true", via="model").endswith("nothing that a model asked for")
    assert refusal("no_model: true", via="cli") == ""


def test_only_reads() -> None:
    assert refusal("read_only: true", effect=Effect.READ) == ""
    assert refusal("read_only: true", effect=Effect.WRITE).endswith("this was approved as write")


@pytest.mark.parametrize("limit", ["10m", "600", "600.0"])
def test_nothing_that_may_run_too_long(limit: str) -> None:
    assert refusal(f"max_timeout: {limit}", timeout=600.0) == ""
    assert refusal(f"max_timeout: {limit}", timeout=600.5).endswith("longer than 600 s")
    assert refusal(f"max_timeout: {limit}", timeout=None)


@given(st.text(max_size=30), st.sampled_from(list(Effect)), st.sampled_from(["cli", "model"]))
def test_a_rule_more_never_allows_more(line: str, effect: Effect, via: str) -> None:
    rules = ["refuse: [reboot]", "allow_only: ['.*a.*']", "users: [ada]", "no_model: true", "read_only: true"]
    command = line.strip() or "a"

    refused = [bool(refusal(rule, line=command, effect=effect, via=via)) for rule in rules]

    assert bool(refusal("\n".join(rules), line=command, effect=effect, via=via)) is any(refused)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("refuze: [x]", "line 1: there is no rule refuze; there are refuse, allow_only, users"),
        ("no_model: true\nrefuse: reboot", "line 2: refuse: a list of words is wanted"),
        ("refuse: [1]", "line 1: refuse: a list of words"),
        ("users: [yes]", "line 1: users: a list of words"),
        ("refuse: ['']", "line 1: refuse: a list of words"),
        ("\n\nrefuse: ['(']", "line 3: refuse: '(' is no regular expression"),
        ("read_only: maybe", "line 1: read_only: true or false is wanted"),
        ("max_timeout: soon", "line 1: max_timeout: the timeout 'soon' is no length of time"),
        ("max_timeout: true", "line 1: max_timeout: a length of time is wanted"),
        ("max_timeout: -1", "line 1: max_timeout"),
        ("no_model: true\nno_model: false", "line 2: no_model stands there twice"),
        ("- refuse", "line 1: it is no list of rules"),
        ("reboot", "line 1: it is no list of rules"),
        ("refuse: [a", "line 1: "),
        ("refuse: !!python/object:os.system [a]", "line 1: "),
        ("a: 1\n---\nb: 2", "line "),
        ("? [a, b]\n: x", "line 1: there is no rule"),
        ("refuse: [a]\n\tx", "line 2: "),
        ("refuse: *x", "line 1: "),
        ("\x00", "it is no YAML"),
    ],
)
def test_a_broken_policy_says_which_line_and_why(text: str, why: str) -> None:
    with pytest.raises(BrokenPolicy) as broken:
        parse(text)

    assert str(broken.value).startswith(why)


@given(st.text(max_size=200))
def test_whatever_the_text_is_it_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(parse(text), Rules)
    except BrokenPolicy as broken:
        assert str(broken)
