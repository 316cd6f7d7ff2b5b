"""Names, keys and labels: what is taken, and what the refusal says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.fleet.expression import Named
from devopsclaw.fleet.grammar import parse
from devopsclaw.fleet.labels import RESERVED, is_bare, split, valid_key, valid_labels, valid_name
from devopsclaw.model.errors import BadParams


@pytest.mark.parametrize("name", ["a", "prod-web-1", "10.0.0.1", "web_1.eu", "A" * 63, "1"])
def test_a_good_name_is_taken_as_it_is(name: str) -> None:
    assert valid_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", ".a", "a b", "a/b", "A" * 64, "wéb", "a\n", "web[1]", "*", "a,b"])
def test_a_bad_name_is_refused_with_the_rule(name: str) -> None:
    with pytest.raises(BadParams) as refused:
        valid_name(name)

    assert "1 to 63" in refused.value.hint


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_word_of_the_grammar_is_no_name(name: str) -> None:
    with pytest.raises(BadParams, match="word of target expressions"):
        valid_name(name)


@settings(deadline=None)
@given(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,62}", fullmatch=True))
def test_every_name_that_is_taken_can_be_targeted(name: str) -> None:
    if name not in RESERVED:
        assert parse(valid_name(name)) == Named(name)


@pytest.mark.parametrize(
    ("written", "labels"),
    [
        ([], {}),
        (["env=prod,role=web"], {"env": "prod", "role": "web"}),
        (["env=prod", "role=web"], {"env": "prod", "role": "web"}),
        (["env=prod , role=web"], {"env": "prod", "role": "web"}),
        (["a=b:c@d%e+f/g"], {"a": "b:c@d%e+f/g"}),
        (["a=1,a=1"], {"a": "1"}),
    ],
)
def test_labels_are_read_one_by_one_or_with_commas(written: list[str], labels: dict[str, str]) -> None:
    assert valid_labels(written) == labels


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("env", "'env' is no label"),
        ("", "'' is no label"),
        ("env=prod,", "'' is no label"),
        ("env=", "label 'env' cannot be ''"),
        ("env=a b", "cannot be 'a b'"),
        ("env=a=b", "cannot be 'a=b'"),
        ("=prod", "'' is no key"),
        ("in=x", "'in' is no key"),
        ("a b=c", "'a b' is no key"),
        ("fact.os=linux", "the node's own facts"),
        ("env=a,env=b", "'env' is given twice, as 'a' and as 'b'"),
    ],
)
def test_a_bad_label_is_refused_and_named(written: str, complaint: str) -> None:
    with pytest.raises(BadParams) as refused:
        valid_labels([written])

    assert complaint in refused.value.message


def test_a_key_of_a_fact_is_a_key_and_a_value_with_spaces_needs_quotes() -> None:
    assert valid_key("fact.os.name") == "fact.os.name"
    assert is_bare("10.0.0.1:22")
    assert not is_bare("a b")
    assert not is_bare("")


def test_splitting_keeps_what_is_empty_so_that_it_is_refused() -> None:
    assert split(["a, b", "c,"]) == ["a", "b", "c", ""]
