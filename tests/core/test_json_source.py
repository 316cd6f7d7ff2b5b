"""JSON with comments: what is read, on which line, and what each mistake is called."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.core.json_source import MAX_DEPTH, BadJson, Node, parse
from devopsclaw.core.settings import plain

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
KEYS = st.text().filter(lambda key: not key.startswith(("_", "x-")))
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=12)


@settings(deadline=None, max_examples=80)
@given(VALUES, st.sampled_from([None, 2]), st.booleans())
def test_whatever_the_standard_library_writes_is_read_back(
    value: object, indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)

    assert plain(parse(text).root) == value


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet='{}[]:,"\\/*\n \t019.-+eE_aturn\u00e9\ud7ff'))
def test_any_text_is_a_value_or_a_mistake_on_a_line_it_has(text: str) -> None:
    try:
        parse(text)
    except BadJson as wrong:
        assert 1 <= wrong.line <= text.count("\n") + 1


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet="0123456789.eE+-", min_size=1))
def test_numbers_are_those_of_the_standard_library(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(BadJson):
            parse(text)
    else:
        assert parse(text).root.value == expected


def test_comments_and_trailing_commas_are_passed_over() -> None:
    text = '// head\n{ "a": 1, /* two\nlines */ "b": [1, 2,], // tail\n}\n// end'

    assert plain(parse(text).root) == {"a": 1, "b": [1, 2]}


def test_slashes_and_commas_inside_quotes_are_text() -> None:
    assert plain(parse('{"url": "ws://host:1 /* no */, ]"}').root) == {"url": "ws://host:1 /* no */, ]"}


def test_a_member_stands_on_the_line_of_its_key() -> None:
    root = parse('{\n\n  "a":\n    1,\n  "b": { "c": [\n 2 ] }\n}').root

    assert isinstance(root.value, dict)
    assert [node.line for node in root.value.values()] == [3, 5]
    inner = root.value["b"].value
    assert isinstance(inner, dict)
    items = inner["c"].value
    assert isinstance(items, list)
    assert [item.line for item in items] == [6]


def test_offsets_cut_out_exactly_the_value() -> None:
    text = '{ "a": [1, { "b": "x" }] , "c": -2.5e3 }'
    root = parse(text).root

    assert isinstance(root.value, dict)
    cut = {key: text[node.start : node.end] for key, node in root.value.items()}
    assert cut == {"a": '[1, { "b": "x" }]', "c": "-2.5e3"}


def test_comments_are_located() -> None:
    text = '{ /* a */ "b": 1 // c\n}'

    assert [text[start:end] for start, end in parse(text).comments] == ["/* a */", "// c"]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("", 1, "the text ends where a value"),
        ('{\n"a": 1', 2, "the { of line 1 is never closed"),
        ('{\n"a": [1', 2, "the [ of line 2 is never closed"),
        ('{\n"a": [', 2, "the [ of line 2 is never closed"),
        ("{\n", 2, "the { of line 1 is never closed"),
        ('{\n"a": 1\n"b": 2\n}', 2, "a , or } is missing"),
        ('{"a": [1 2]}', 1, "a , or ] is missing"),
        ('{\n"a"\n1}', 2, 'a : has to follow "a"'),
        ('{\n"a"', 2, 'a : has to follow "a"'),
        ('{"a":\n}', 2, "a value has to stand here"),
        ('{"a": yes}', 1, "a value has to stand here"),
        ('{"a": True}', 1, "a value has to stand here"),
        ("{\nrelay: {}}", 2, "a key in double quotes"),
        ('{,"a": 1}', 1, "a key in double quotes"),
        ('{"a": 1,, "b": 1}', 1, "a key in double quotes"),
        ("[,]", 1, "a value has to stand here"),
        ('{"a": 1,\n"b": 2,\n"a": 3}', 3, '"a" stands here again, first on line 1'),
        ('{"a": 30s}', 1, "this is no number"),
        ('{"a": 012}', 1, "this is no number"),
        ('{"a": 1.}', 1, "this is no number"),
        ('{"a": "x\n"}', 1, 'this " has no closing "'),
        ("{'a': 1}", 1, "not in single ones"),
        ('{\n/* "a": 1}', 2, "this comment has no closing */"),
        ('{"a": "\\q"}', 1, "escape that means nothing"),
        ('{"a": "\\ud800"}', 1, "escape that means nothing"),
        ("{} {}", 1, "nothing may follow"),
        ('{"a": 1} # note', 1, "no place for '#'"),
    ],
)
def test_each_mistake_has_its_line_and_its_words(text: str, line: int, why: str) -> None:
    with pytest.raises(BadJson) as wrong:
        parse(text)

    assert wrong.value.line == line
    assert why in wrong.value.why


def test_no_mistake_repeats_what_may_be_a_secret() -> None:
    for text in ('{"token": hunter2}', '{"token": "hunter2" "b"}', '{"token": hunter2', '{"token": "hunter2'):
        with pytest.raises(BadJson) as wrong:
            parse(text)
        assert "hunter2" not in str(wrong.value)


def test_a_number_too_long_for_python_is_a_mistake_not_a_crash() -> None:
    with pytest.raises(BadJson, match="this is no number"):
        parse("1" * 5_000)


def test_nesting_is_limited() -> None:
    parse("[" * MAX_DEPTH + "]" * MAX_DEPTH)

    with pytest.raises(BadJson, match="nested deeper"):
        parse("[" * 100_000)


def test_a_long_text_in_quotes_is_read() -> None:
    node = parse('"' + "a\\n" * 300_000 + '"').root

    assert isinstance(node, Node)
    assert node.value == "a\n" * 300_000
