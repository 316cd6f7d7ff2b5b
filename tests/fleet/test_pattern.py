"""Regular expressions of targets: useful ones pass, and whatever passes matches fast."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.fleet.pattern import MAX_LENGTH, MAX_SUBJECT, compile_pattern, matches
from devopsclaw.model.errors import BadTarget


@pytest.mark.parametrize(
    ("text", "subject", "does"),
    [
        ("web", "web", True),
        ("web", "web1", False),
        (r"web-\d+", "web-12", True),
        (r"(prod|test)-web-?[0-9]{1,2}", "prod-web-7", True),
        (r"(?:eu|us)-.*", "eu-db", True),
        (r"[^\]a]+", "bcd", True),
        (r"[]a]", "]", True),
        (r"web(-blue)?", "web", True),
        (r"a.*b.*c.*", "aXbYc", True),
        (r"\.", "x", False),
        ("web|db", "db", True),
        ("web|db", "webdb", False),
        (r"v\d{3}x", "v123x", True),
    ],
)
def test_a_pattern_matches_the_whole_text(text: str, subject: str, does: bool) -> None:
    assert matches(compile_pattern(text), subject) is does


@pytest.mark.parametrize(
    "text",
    [
        "(a+)+",
        "(a*)*b",
        "(a|a)*",
        "(a|aa)+$",
        "((a)b)*",
        "(.*){1,9}",
        "(a?){30}a{30}",
        "a?" * 30 + "a" * 30,
        ".*" * 6 + "x",
        "(a|a)" * 30,
        "a{0,60}" * 5,
        r"(a)\1",
        "(?=a)a",
        "(?<!b)a",
        "(?P<x>a)(?P=x)",
    ],
)
def test_a_pattern_that_could_take_for_ever_is_refused(text: str) -> None:
    with pytest.raises(BadTarget) as refused:
        compile_pattern(text)

    assert "too long to match" in refused.value.message
    assert "web-*-eu" in refused.value.hint


@pytest.mark.parametrize("text", ["(", "[", "*", "a**", "a{2,1}", "(?P<", "a{99999999999}", "[[a]"])
def test_what_is_no_pattern_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(BadTarget, match="is no regular expression"):
        compile_pattern(text)


def test_empty_and_overlong_patterns_are_refused() -> None:
    with pytest.raises(BadTarget, match="is empty"):
        compile_pattern("")
    with pytest.raises(BadTarget, match="longer than"):
        compile_pattern("a" * (MAX_LENGTH + 1))


def test_an_overlong_text_matches_nothing() -> None:
    assert matches(compile_pattern("a*"), "a" * MAX_SUBJECT)
    assert not matches(compile_pattern("a*"), "a" * (MAX_SUBJECT + 1))


PIECES = st.builds(
    str.__add__,
    st.sampled_from(["a", ".", "[ab]", r"\w", "(a|b)", "(?:a|a)", "(a?)", "|"]),
    st.sampled_from(["", "", "", "*", "+", "?", "*?", "{2}", "{0,60}"]),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(PIECES, max_size=9).map("".join))
def test_whatever_is_taken_matches_the_worst_names_fast(text: str) -> None:
    try:
        pattern = compile_pattern(text)
    except BadTarget:
        return
    started = time.process_time()

    for subject in ("a" * 63, "a" * 62 + "!", "ab" * 31):
        matches(pattern, subject)

    assert time.process_time() - started < 1.0


def test_the_worst_pattern_that_is_taken_needs_milliseconds() -> None:
    pattern = compile_pattern("a*a*a*(a|a)a?b")
    started = time.process_time()

    assert not matches(pattern, "a" * MAX_SUBJECT)

    assert time.process_time() - started < 1.0
