"""What is said through the socket: each value comes back as it went, and nonsense is refused."""

from __future__ import annotations

import json
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from devopsclaw.core import door_words as words
from devopsclaw.core.bus import Gap
from devopsclaw.model import events
from devopsclaw.model.call import Consent
from devopsclaw.model.errors import Misused
from devopsclaw.model.interest import Interest
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
FACTS = st.dictionaries(
    TEXT, TEXT | st.integers(-(2**53), 2**53) | st.booleans() | st.none() | st.lists(TEXT)
)
PLANS = st.builds(
    Plan,
    operation=TEXT,
    effect=st.sampled_from(Effect),
    nodes=st.lists(TEXT, max_size=3).map(tuple),
    run=TEXT,
)
FIELDS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    float: st.floats(allow_nan=False, allow_infinity=False),
    Plan: PLANS,
    Plan | None: st.none() | PLANS,
    dict[str, Any]: FACTS,
}


def any_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Any value of this class of fields."""
    hints = {
        name: hint for name, hint in get_type_hints(kind).items() if not name.startswith(("_", "model_"))
    }
    return st.builds(kind, **{name: any_value(hint) for name, hint in hints.items()})


def any_value(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a field of this type."""
    if hint in FIELDS:
        return FIELDS[hint]
    is_model = isinstance(hint, type) and issubclass(hint, BaseModel)
    return any_of(hint) if is_model else st.from_type(hint)


def over_the_wire(happened: Any) -> Any:
    """An event as the other side hears it."""
    message = words.read(words.line({"id": 1, "events": words.told([happened])}))
    (heard,) = [words.heard(each) for each in message["events"]]
    return heard


@pytest.mark.parametrize("name", sorted(words.KINDS))
def test_every_event_comes_back_as_it_went(name: str) -> None:
    @settings(deadline=None, max_examples=40)
    @given(any_of(words.KINDS[name]))
    def holds(event: Any) -> None:
        assert over_the_wire(event) == event

    holds()


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_raw_bytes_of_a_command_come_back_as_they_went(data: bytes) -> None:
    printed = events.NodePrinted("c", "X-1", "n", "stdout", 0, data)

    assert over_the_wire(printed).data == data


def test_every_event_there_is_can_be_told() -> None:
    defined = {
        kind
        for kind in vars(events).values()
        if isinstance(kind, type) and kind.__module__ == events.__name__
    }

    assert defined | {Gap} == set(words.KINDS.values())
    assert all(name == kind.__name__ for name, kind in words.KINDS.items())


def test_an_event_of_another_version_is_refused_by_name() -> None:
    with pytest.raises(Misused, match="'NodeFlew', which this version does not know"):
        words.heard({"event": "NodeFlew", "node": "a"})


@pytest.mark.parametrize(
    "raw",
    [b"", b"\n", b"hello\n", b"[1]\n", b'"text"\n', b"null\n", b"\xff\xfe\n", b"{" * 9, b"[" * 200_000],
    ids=lambda raw: repr(raw[:9]),
)
def test_a_line_that_is_no_message_is_refused(raw: bytes) -> None:
    with pytest.raises(Misused, match="a line at the door is no JSON"):
        words.read(raw)


@settings(deadline=None)
@given(st.text(st.characters()))
def test_any_text_is_one_line_and_comes_back(text: str) -> None:
    raw = words.line({"text": text})

    assert raw.count(b"\n") == 1 and raw.endswith(b"\n")
    assert words.read(raw) == {"text": text} == json.loads(raw)


@given(TEXT, TEXT)
def test_a_yes_comes_back(phrase: str, digest: str) -> None:
    given_yes = Consent(phrase, digest)

    assert words.consent_of(words.consent_json(given_yes)) == given_yes
    assert words.consent_of(words.consent_json(None)) is None


NAMES = st.frozensets(TEXT, max_size=4)


@given(NAMES, NAMES, NAMES)
def test_an_interest_comes_back(kinds: frozenset[str], calls: frozenset[str], runs: frozenset[str]) -> None:
    interest = Interest(kinds, calls, runs)

    assert words.interest_of(json.loads(json.dumps(words.interest_json(interest)))) == interest


@settings(deadline=None)
@given(PLANS)
def test_a_plan_comes_back_with_its_digest_beside_it(plan: Plan) -> None:
    body = json.loads(json.dumps(words.plan_json(plan)))

    assert words.plan_of(body) == plan
    assert body["digest"] == plan.digest == words.plan_of(body).digest


@pytest.mark.parametrize("body", [1, "yes", [], {"digest": "d"}, {"phrase": 1}, {"phrase": None}])
def test_a_yes_that_is_none_is_refused(body: Any) -> None:
    with pytest.raises(Misused, match="a wrong consent"):
        words.consent_of(body)


@pytest.mark.parametrize("body", [None, 1, "all", [], {"kinds": "NodeMoved"}, {"calls": [1]}])
def test_an_interest_that_is_none_is_refused(body: Any) -> None:
    with pytest.raises(Misused, match="a wrong interest"):
        words.interest_of(body)
