"""Setting one value in a text: the rest stays as people wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.core.json_edit import CannotEdit, put
from devopsclaw.core.json_source import parse
from devopsclaw.core.settings import plain

COMMENTED = """\
// mine
{
  // the relay
  "relay": {
    "url": "ws://a:1", // in the cellar
    "insecure": false
  }, /* after */
  "log": { "level": "info" } // loud
}
"""


def test_a_value_is_replaced_in_place() -> None:
    changed = put(COMMENTED, ("relay", "url"), "ws://b:2")

    assert changed == COMMENTED.replace("ws://a:1", "ws://b:2")


def test_a_member_is_added_on_a_line_of_its_own_like_its_neighbours() -> None:
    changed = put(COMMENTED, ("relay", "max_connections"), 7)

    assert changed == COMMENTED.replace(
        '"insecure": false\n', '"insecure": false,\n    "max_connections": 7\n'
    )


def test_a_member_is_added_inside_a_one_line_object() -> None:
    changed = put(COMMENTED, ("log", "x"), 1)

    assert changed == COMMENTED.replace('"info" }', '"info", "x": 1 }')


def test_a_section_is_made_where_it_is_missing_and_comments_stay_on_their_lines() -> None:
    changed = put(COMMENTED, ("agents", "defaults", "model"), "gpt4")

    assert changed == COMMENTED.replace(
        '"info" } // loud\n',
        '"info" }, // loud\n  "agents": {\n    "defaults": {\n      "model": "gpt4"\n    }\n  }\n',
    )


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("{}", '{ "a": 1 }'),
        ("{ }", '{ "a": 1 }'),
        ("{\n}\n", '{\n  "a": 1\n}\n'),
        ("{ /* none */ }", '{ /* none */ "a": 1 }'),
        ("{ // none\n}", '{ // none\n  "a": 1\n}'),
        ('{"b": 2}', '{"b": 2, "a": 1 }'),
        ('{\n\t"b": 2,\n}', '{\n\t"b": 2,\n\t"a": 1,\n}'),
        ('{\n  "b": 2 // c, d\n}', '{\n  "b": 2, // c, d\n  "a": 1\n}'),
        ('{\r\n  "b": 2\r\n}', '{\r\n  "b": 2,\r\n  "a": 1\r\n}'),
        ('{ "b": 2\n}', '{ "b": 2,\n  "a": 1\n}'),
        ('{ "b":\n  2 }', '{ "b":\n  2, "a": 1 }'),
    ],
)
def test_the_style_of_the_object_is_kept(text: str, changed: str) -> None:
    assert put(text, ("a",), 1) == changed


def test_a_list_of_objects_is_written_over_several_lines() -> None:
    changed = put('{\n  "a": []\n}', ("a",), [{"b": 1}])

    assert changed == '{\n  "a": [\n    {\n      "b": 1\n    }\n  ]\n}'


def test_a_value_that_holds_comments_is_not_replaced() -> None:
    text = '{\n  "a": [\n    1, // one\n  ]\n}'

    with pytest.raises(CannotEdit) as lossy:
        put(text, ("a",), [2])
    assert lossy.value.line == 2
    assert "comments that would be lost" in lossy.value.why


def test_nothing_is_set_inside_what_is_no_object() -> None:
    with pytest.raises(CannotEdit, match="line 2: relay is not an object"):
        put('{\n  "relay": 5\n}', ("relay", "url"), "x")


def _merged(value: Any, path: tuple[str, ...], new: Any) -> Any:
    if not path:
        return new
    return {**value, path[0]: _merged(value.get(path[0], {}), path[1:], new)}


NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.integers(0, 9) | st.text(alphabet='/*"\\,}{ é\n', max_size=4)
SECTIONS = st.dictionaries(
    NAMES, st.dictionaries(st.sampled_from(["p", "q"]), SCALARS, max_size=2), max_size=3
)


@st.composite
def commented_texts(draw: st.DrawFn) -> str:
    """A valid text with comments, trailing commas and line breaks wherever they may stand."""
    value = draw(SECTIONS)
    space = st.sampled_from(["", " ", "\n", "\n  ", " /* c, } */ ", " // c, }\n", "\r\n\t"])

    def written(inner: Any) -> str:
        if not isinstance(inner, dict):
            return json.dumps(inner)
        members = [
            f"{draw(space)}{json.dumps(key)}{draw(space)}:{draw(space)}{written(child)}{draw(space)}"
            for key, child in inner.items()
        ]
        is_trailing = draw(st.booleans())
        trailing = "," + draw(space) if members and is_trailing else draw(space)
        return "{" + ",".join(members) + trailing + "}"

    return draw(space) + written(value) + draw(space)


@settings(deadline=None, max_examples=150)
@given(commented_texts(), NAMES, st.sampled_from(["p", "q", "r"]), SCALARS)
def test_only_the_one_value_changes_and_every_comment_stays(
    text: str, section: str, name: str, new: object
) -> None:
    before = parse(text)

    after = parse(put(text, (section, name), new))

    assert plain(after.root) == _merged(plain(before.root), (section, name), new)
    kept = [before.text[start:end].strip() for start, end in before.comments]
    assert [after.text[start:end].strip() for start, end in after.comments] == kept
