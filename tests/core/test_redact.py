"""Secrets taken out of text: by value in every form, by pattern, and however the text is cut."""

from __future__ import annotations

import base64
import json
import re
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devopsclaw.core.redact import (
    EVERYWHERE,
    HIDDEN,
    IN_AUDIT,
    SHORTEST,
    TOKENS,
    Mask,
    Strainer,
    named_secrets,
)

SECRET = 'hun"ter\\2 é/+=?'
BODY = "MC4CAQAwBQYDK2VwBCIEIPkQ0Qx6mVv3xk1WJ6Qz0bQ2h8s7c5d4f3g2h1j0k9l8"
PEM = f"-----BEGIN PRIVATE KEY-----\n{BODY}\nAbC=\n-----END PRIVATE KEY-----"
# written in two parts, so that nobody who searches for real keys finds these
JWT = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N"
TOKEN_TEXTS = (
    "sk-" + "proj-abcdefghijklmnop1234",
    "xoxb-" + "123456789012-abcdefghij",
    "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_" + "abcdefghijklmnopqrstuv_0123456789",
    "AKIA" + "ABCDEFGHIJKLMNOP",
    JWT,
    PEM,
    PEM.replace("\n", "\\n"),
)
ASSIGNED_TEXTS = (
    ("password=tr0ub4dor", "password=***"),
    ("DB_PASSWORD='tr0ub4 dor' psql", "DB_PASSWORD=*** psql"),
    ('{"client_secret": "tr0ub4dor", "n": 1}', '{"client_secret": ***, "n": 1}'),
    ("api_key=tr0ub4dor&x=1", "api_key=***&x=1"),
    ("postgres://app:tr0ub4dor@db/main", "postgres://app:***@db/main"),
    ("Authorization: Bearer tr0ub4dor.1", "Authorization: Bearer ***"),
)
PLAIN_TEXTS = (
    "the token is in --token-file FILE",
    "max_tokens=8192",
    "TOKEN=$(cat /run/token) PASSWORD=$PASSWORD",
    "task-sk-1 ended; https://relay.example.com:9443/a@b",
    "git checkout 4f2a9c0d4f2a9c0d4f2a9c0d4f2a9c0d4f2a9c0d",
)


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        repr(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
def test_a_known_secret_is_hidden_in_every_form(form: str) -> None:
    hidden = Mask([SECRET]).text(f"<{form}>", ())

    assert HIDDEN in hidden and len(hidden) <= len('<"***">')


@given(st.binary(max_size=9), st.binary(max_size=9))
def test_a_known_secret_is_hidden_inside_longer_base64(before: bytes, after: bytes) -> None:
    whole = base64.b64encode(before + b"my-fleet-secret-token" + after).decode()

    assert HIDDEN in Mask(["my-fleet-secret-token"]).text(whole, ())


@settings(deadline=None, max_examples=100)
@given(st.sets(st.text("ab\n", min_size=SHORTEST, max_size=12), min_size=1), st.text("abc\n -"))
def test_no_known_secret_is_left_where_it_stands_alone(secrets: set[str], text: str) -> None:
    hidden = Mask(secrets).text(text)

    assert not any(re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", hidden) for secret in secrets)


@settings(deadline=None, max_examples=100)
@given(st.sets(st.text("ab", min_size=8, max_size=10), min_size=1), st.text("abc", max_size=60))
def test_a_long_known_secret_is_left_nowhere(secrets: set[str], text: str) -> None:
    hidden = Mask(secrets).text(text)

    assert not any(secret in hidden for secret in secrets)


def test_a_short_secret_does_not_take_letters_out_of_words() -> None:
    assert Mask(["prod", "abc"]).text("production abc prod") == "production abc ***"


@pytest.mark.parametrize("token", TOKEN_TEXTS)
def test_what_looks_like_a_key_is_hidden(token: str) -> None:
    assert Mask().text(f"before {token} after") == "before *** after"


@pytest.mark.parametrize(("text", "hidden"), ASSIGNED_TEXTS)
def test_what_is_assigned_to_a_password_is_hidden_also_in_the_audit_trail(text: str, hidden: str) -> None:
    assert (Mask().text(text), Mask().text(text, IN_AUDIT)) == (hidden, hidden)


@pytest.mark.parametrize("text", PLAIN_TEXTS)
def test_a_text_without_secrets_is_as_it_is(text: str) -> None:
    assert Mask(["another-secret"]).text(text) == text


def test_the_audit_trail_keeps_a_command_but_not_its_password_option() -> None:
    command = f"deploy --db-password tr0ub4dor --token 'a b' --tokens {TOKEN_TEXTS[0]}"

    hidden = Mask().text(command, IN_AUDIT)

    assert hidden == f"deploy --db-password *** --token *** --tokens {TOKEN_TEXTS[0]}"


def test_a_value_under_the_name_of_a_secret_is_hidden() -> None:
    hidden = Mask().hide({"db_password": "x1", "many": [{"token": "y"}], "token_file": "/z", "secret": ""})

    assert hidden == {"db_password": "***", "many": [{"token": "***"}], "token_file": "/z", "secret": ""}


PIECES = st.sampled_from(
    [
        *TOKEN_TEXTS,
        *(text for text, _ in ASSIGNED_TEXTS),
        *PLAIN_TEXTS,
        *(SECRET, "two\nlines of one", "short", "pass", "word=", "-----BEGIN", " PRIVATE KEY-----", BODY),
    ]
)
TEXTS = st.lists(PIECES | st.text("ab=:\n\"' -", max_size=8), max_size=8).map("".join)


@settings(deadline=None, max_examples=300)
@given(TEXTS, st.lists(st.integers(0, 600), max_size=12), st.booleans())
@example("x password=tr0ub4dor\n", [12], False)
@example(f"{PEM}\n", list(range(0, 120, 7)), True)
def test_wherever_a_text_is_cut_it_comes_out_the_same(
    text: str, cuts: list[int], several_lines: bool
) -> None:
    mask = Mask([SECRET, "short", *(["two\nlines of one"] if several_lines else [])])
    rules = (*EVERYWHERE, *IN_AUDIT)
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]

    stream = mask.stream(rules)
    fed = [stream.feed(text[start:end]) for start, end in pairwise(places)]

    assert "".join(fed) + stream.end() == mask.text(text, rules)


def test_a_long_line_is_given_out_as_it_comes_and_hidden_all_the_same() -> None:
    stream = Mask(["my-fleet-secret-token"]).stream(())

    given = [stream.feed("x" * 1000 + "my-fleet-sec"), stream.feed("ret-token" + "y" * 1000)]

    assert len(given[0]) > 900
    assert "".join(given) + stream.end() == "x" * 1000 + HIDDEN + "y" * 1000


def test_whole_lines_are_given_out_at_once() -> None:
    assert Strainer(TOKENS).feed("one\ntwo\nthr") == "one\ntwo\n"


def test_an_error_is_told_without_its_secrets_in_a_group_too() -> None:
    mask = Mask(["my-fleet-secret-token"])
    group = ExceptionGroup("two", [ValueError("my-fleet-secret-token", 1), KeyError("fine")])

    mask.clean(group)

    assert [each.args for each in group.exceptions] == [("***", 1), ("fine",)]


def test_variables_that_are_called_secrets_are_known() -> None:
    environment = {
        "DEVOPSCLAW_RELAY_AUTH_TOKEN": "first-secret",
        "AWS_SECRET_ACCESS_KEY": "second-secret",
        "DEVOPSCLAW_RELAY_TOKEN_FILE": "/etc/no-secret",
        "CI_TOKEN": "true",
    }

    assert set(named_secrets(environment)) == {"first-secret", "second-secret"}
