"""`--tag --env --node --group` compile to one expression, and say which option is wrong."""

from __future__ import annotations

import pytest

from devopsclaw.fleet.grammar import parse
from devopsclaw.fleet.sugar import compile_sugar, compile_target
from devopsclaw.model.errors import BadTarget

Options = dict[str, list[str]]


@pytest.mark.parametrize(
    ("options", "canonical"),
    [
        ({"tag": ["role=web"]}, "role=web"),
        ({"tag": ["role=web", "role=api"]}, "role in (api,web)"),
        ({"tag": ["role=web", "env=prod"]}, "env=prod and role=web"),
        ({"tag": ["role=web", "role=web"]}, "role=web"),
        ({"tag": ["role!=web", "role!=db"]}, "role!=web and role!=db"),
        ({"tag": ["fact.cpu>=4", "name~/w.*/", "has:role", "a in (b,c)"]},
         "fact.cpu>=4 and name~/w.*/ and has:role and a in (b,c)"),
        ({"env": ["prod"]}, "env=prod"),
        ({"env": ["test", "prod"]}, "env in (prod,test)"),
        ({"node": ["web-1"]}, "web-1"),
        ({"node": ["web-1", "db*"]}, "web-1 or db*"),
        ({"group": ["eu", "us"]}, "@eu or @us"),
        ({"tag": ["role=web"], "env": ["prod"], "node": ["a", "b"], "group": ["eu"]},
         "role=web and env=prod and (a or b) and @eu"),
    ],
)  # fmt: skip
def test_one_option_widens_and_different_options_narrow(options: Options, canonical: str) -> None:
    expression = compile_target(None, **options)

    assert str(expression) == canonical
    assert parse(canonical) == expression


def test_without_any_option_there_is_no_expression() -> None:
    assert compile_sugar([], [], [], []) is None
    assert compile_target(None) is None


def test_a_target_is_narrowed_by_the_options_beside_it() -> None:
    assert str(compile_target("web1 or web2", env=["prod"])) == "(web1 or web2) and env=prod"
    assert str(compile_target("web1 or web2")) == "web1 or web2"


@pytest.mark.parametrize(
    ("options", "complaint", "hint"),
    [
        ({"tag": [""]}, "--tag, column 1: expected a target", ""),
        ({"tag": ["role"]}, "--tag role is no label", "--tag role=web"),
        ({"tag": ["role=web or all"]}, "is no label", "there is -t"),
        ({"tag": ["role=web,env=prod"]}, "--tag, column 9", ""),
        ({"env": [""]}, "--env '' is no environment", "repeat it"),
        ({"env": ["prod,test"]}, "--env 'prod,test' is no environment", "repeat it"),
        ({"node": ["all"]}, "--node all is no node", "-t all"),
        ({"node": [" "]}, "--node, column 2: expected a target", ""),
        ({"node": ["web-1,web-2"]}, "--node, column 6", ""),
        ({"group": [""]}, "--group: '' is no name", "1 to 63"),
        ({"group": ["all"]}, "--group: 'all' is a word", ""),
    ],
)
def test_a_wrong_option_is_named(options: Options, complaint: str, hint: str) -> None:
    with pytest.raises(BadTarget) as refused:
        compile_target(None, **options)

    assert complaint in refused.value.message
    assert hint in refused.value.hint


def test_a_blank_target_is_an_error_and_not_the_absence_of_one() -> None:
    with pytest.raises(BadTarget, match="--target, column 1"):
        compile_target("", tag=["role=web"])
