"""Reading target expressions: each form, what binds how, and errors that point at the column."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.fleet.expression import (
    Addressed,
    And,
    Compared,
    Comparison,
    Condition,
    Everyone,
    Expression,
    Grouped,
    Has,
    Named,
    NameMatches,
    Not,
    OneOf,
    Or,
    Outcome,
    Ran,
    Sliced,
    Standing,
    ValueMatches,
)
from devopsclaw.fleet.grammar import MAX_DEPTH, parse
from devopsclaw.model.errors import BadTarget

KEYS = st.sampled_from(["role", "env", "fact.os.name", "app.kubernetes.io/name", "a-b"])
VALUES = st.one_of(st.sampled_from(["web", "v2.1.0", "10.0.0.1:22", "a/b"]), st.text(min_size=0, max_size=8))
PATTERNS = st.sampled_from(["web.*", "a/b", r"\d+", r"\\", "[/]", "(a|b)c?", r"x\.y", "^a$"])
BOUNDS = st.none() | st.integers(-20, 20)
ATOMS: st.SearchStrategy[Expression] = st.one_of(
    st.just(Everyone()),
    st.builds(
        Named, st.sampled_from(["web1", "web*", "web[01-20]-eu", "w?b", "dc[1-2]n[1,3]", "a.b", "notes"])
    ),
    st.builds(NameMatches, PATTERNS),
    st.builds(Compared, KEYS, st.sampled_from([Comparison.EQUAL, Comparison.UNEQUAL]), VALUES),
    st.builds(Compared, KEYS, st.just(Comparison.AT_LEAST), st.sampled_from(["4", "-1.5", "1e9"])),
    st.builds(ValueMatches, KEYS, PATTERNS),
    st.builds(OneOf, KEYS, st.lists(VALUES, min_size=1, max_size=3).map(tuple)),
    st.builds(Has, KEYS),
    st.builds(Grouped, st.sampled_from(["staging", "eu-1"])),
    st.builds(Addressed, st.sampled_from(["10.0.0.0/8", "fe80::/10"])),
    st.builds(Standing, st.sampled_from(Condition)),
    st.builds(Ran, st.sampled_from(["last", "X-31"]), st.sampled_from(Outcome)),
)


def compound(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Not, inner),
        st.builds(And, several),
        st.builds(Or, several),
        st.builds(Sliced, inner, BOUNDS, BOUNDS),
    )


EXPRESSIONS = st.recursive(ATOMS, compound, max_leaves=12)


@settings(deadline=None, max_examples=300)
@given(EXPRESSIONS)
def test_what_is_printed_parses_back_to_the_same(expression: Expression) -> None:
    assert parse(str(expression)) == expression


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from('ab=!~>&|()[]:,@/*?"\\ -1\n') | st.characters(), max_size=20))
def test_any_text_is_an_expression_or_a_plain_error(text: str) -> None:
    try:
        expression = parse(text)
    except BadTarget as refused:
        assert "column" in refused.message
    else:
        assert parse(str(expression)) == expression


@settings(deadline=None)
@given(st.text(st.sampled_from(" \t\n,()&|")))
def test_what_has_only_spaces_and_separators_is_never_a_target(text: str) -> None:
    with pytest.raises(BadTarget):
        parse(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("all", "all"),
        ("web1|web2&web3", "web1 or web2 and web3"),
        ("(web1|web2)&web3", "(web1 or web2) and web3"),
        ("!a and not b", "not a and not b"),
        ("not(a or b)", "not (a or b)"),
        ("not not a", "not not a"),
        ("role=web&env=prod", "role=web and env=prod"),
        ("role = web", "role=web"),
        ("role!=web", "role!=web"),
        ('os="Debian GNU/Linux"', 'os="Debian GNU/Linux"'),
        ('os="a\\"b"', 'os="a\\"b"'),
        ('role="web"', "role=web"),
        ("role~web.*", "role~/web.*/"),
        ("role ~ /a\\/b/", "role~/a\\/b/"),
        ("role in ( web , api )", "role in (web,api)"),
        ("fact.cpu>=4", "fact.cpu>=4"),
        ("env:prod", "env=prod"),
        ("ip:10.0.1.10", "ip:10.0.1.10/32"),
        ("ip:10.1.2.3/8", "ip:10.0.0.0/8"),
        ("run:X-31:failed", "run:X-31:failed"),
        ("state:late", "state:late"),
        ("web*[0:2]", "(web*)[0:2]"),
        ("web[1-3][0:2]", "(web[1-3])[0:2]"),
        ("role=web and env=prod[:1]", "role=web and (env=prod)[:1]"),
        ("(role=web and env=prod) [-1:]", "(role=web and env=prod)[-1:]"),
        ("notes or android", "notes or android"),
        ("a and/web.*/", "a and /web.*/"),
    ],
)
def test_each_form_has_one_canonical_print(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "column", "complaint", "hint"),
    [
        ("", 1, "expected a target", "all for every node"),
        ("  ", 3, "expected a target", "all for every node"),
        (",", 1, "expected a target, found ','", "`or`"),
        ("web1,web2", 5, "expected `and` or `or`, found ','", "`or` between targets"),
        ("role=web,env=prod", 9, "expected `and` or `or`, found ','", "`and` for both"),
        ("web1 web2", 6, "expected `and` or `or`, found 'w'", "`or`"),
        ("web1 or", 8, "expected a target", ""),
        ("or web1", 1, "expected a target, found `or`", ""),
        ("and", 1, "expected a target, found `and`", ""),
        ("(web1", 6, "closing parenthesis", ""),
        ("web1)", 5, "found ')'", ""),
        ("()", 2, "expected a target, found ')'", ""),
        ("role=", 6, "expected a value", ""),
        ("role=web*", 9, "compared as they stand", "key~/web.*/"),
        ("=web", 1, "expected a target, found '='", ""),
        ("role in (web", 13, "comma or a closing", ""),
        ("role in ()", 10, "expected a value", ""),
        ("cpu>=many", 6, "'many' is none", ""),
        ("cpu>=nan", 6, "finite", ""),
        ("ro*=web", 1, "'ro*' is no key", ""),
        ("/web", 1, "between slashes", ""),
        ("/(/", 1, "is no regular expression", ""),
        ("//", 1, "is empty", ""),
        ("name~/(a+)+/", 6, "too long to match", "web-*-eu"),
        ("(a or b)[0]", 9, "a slice has a colon", "[0:3]"),
        ("web[3-1]", 1, "3-1 is no range", "smaller"),
        ("web[1-2]*", 1, "mixes a range and a glob", ""),
        ("a or foo:bar", 6, "unknown prefix `foo:`", "known are env"),
        ("stat:online", 1, "unknown prefix `stat:`", "did you mean state?"),
        ("state:onlin", 1, "never 'onlin'", "did you mean online?"),
        ("run:last:bad", 1, "chosen by 'bad'", "known are"),
        ("run:last", 1, "chosen by ''", "known are"),
        ("run:yesterday:ok", 1, "'yesterday' is no run", "run:last:failed"),
        ("ip:web1", 1, "'web1' is no network", "ip:10.0.0.0/8"),
        ("env:", 1, "'' is no environment", "env:prod"),
        ("@", 1, "'' is no name", ""),
        ("a/b", 1, "'a/b' is no name of a node", ""),
        ("wéb", 2, "found 'é'", ""),
    ],
)
def test_an_error_names_column_and_cause_and_the_way_out(
    text: str, column: int, complaint: str, hint: str
) -> None:
    with pytest.raises(BadTarget) as refused:
        parse(text)

    assert refused.value.message.startswith(f"target, column {column}: ")
    assert complaint in refused.value.message
    assert hint in refused.value.hint
    assert refused.value.exit_code == 2


def test_a_caret_stands_below_the_column() -> None:
    with pytest.raises(BadTarget) as refused:
        parse("role=web and\n", origin="--target")

    assert refused.value.message.splitlines() == [
        "--target, column 14: expected a target",
        "  role=web and ",
        "               ^",
    ]


def test_escape_sequences_in_a_target_do_not_reach_the_terminal() -> None:
    with pytest.raises(BadTarget) as refused:
        parse("web1 \x1b[31m")

    assert "\x1b" not in refused.value.message


@pytest.mark.parametrize("text", ["(" * 5000 + "a" + ")" * 5000, "not " * 5000 + "a", "!" * 5000 + "a"])
def test_nesting_without_end_is_refused_and_does_not_exhaust_the_stack(text: str) -> None:
    with pytest.raises(BadTarget, match=f"more than {MAX_DEPTH}"):
        parse(text)
