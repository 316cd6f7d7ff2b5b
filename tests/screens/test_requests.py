"""The requests as the console knows them: news may come late, twice or crosswise."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.screens.fake_desk import FakeDesk

from devopsclaw.core.bus import Bus
from devopsclaw.model.approval import Approval, Standing
from devopsclaw.screens.requests import Requests, ending


def asked(count: int = 1) -> list[Approval]:
    """So many requests that wait."""
    desk = FakeDesk(Bus())
    return [desk.ask() for _ in range(count)]


def over(request: Approval, to: Standing = Standing.DENIED, by: str = "tomas", why: str = "") -> Approval:
    """The request, ended."""
    return request.model_copy(update={"status": to, "answered_by": by, "reason": why})


@given(order=st.permutations(range(6)), twice=st.lists(st.integers(0, 5), max_size=4))
@settings(deadline=None, max_examples=60)
def test_what_is_over_never_waits_again_in_whatever_order_it_is_heard(
    order: list[int], twice: list[int]
) -> None:
    waiting = asked(3)
    told = [*waiting, *(over(each) for each in waiting)]
    requests = Requests()
    for place in [*order, *twice]:
        requests.take(told[place])

    assert requests.waiting == []
    arrived, _ = requests.news()
    assert arrived == []


def test_the_oldest_comes_first() -> None:
    (one,) = asked()
    many = [one.model_copy(update={"id": identifier}) for identifier in ("A-100", "A-9")]
    requests = Requests()
    for each in many:
        requests.take(each)

    assert [each.id for each in requests.waiting] == ["A-9", "A-100"]


def test_each_arrival_and_each_end_is_news_once() -> None:
    (one,) = asked()
    requests = Requests()
    requests.take(one)
    requests.take(one)
    assert requests.news() == ([one], [])
    requests.take(over(one, Standing.ALLOWED))
    requests.take(over(one, Standing.USED))

    arrived, ended = requests.news()
    assert arrived == []
    assert [each.status for each in ended] == [Standing.ALLOWED]
    assert requests.news() == ([], [])


def test_what_is_listed_and_unknown_or_known_and_not_listed_has_to_be_asked_for() -> None:
    first, second = asked(2)
    requests = Requests()
    requests.take(first)

    assert requests.unsure([second.id]) == [first.id, second.id]
    assert requests.unsure([first.id]) == []


def test_an_ending_is_told_in_a_sentence() -> None:
    (one,) = asked()

    assert ending(over(one, Standing.USED)) == "A-17 allowed by tomas"
    assert ending(over(one, why="not now")) == "A-17 denied by tomas: not now"
    assert ending(over(one, Standing.EXPIRED, "", "nobody answered in time")) == (
        "A-17 expired: nobody answered in time"
    )
