"""When what has to be looked at."""

from __future__ import annotations

from devopsclaw.fleet.timers import Timers


def test_timers_come_in_the_order_of_time_each_once() -> None:
    timers = Timers()
    timers.set(3.0, "lost", "b")
    timers.set(1.0, "ask", "a")
    timers.set(9.0, "overdue", "c")

    assert timers.due == 1.0
    assert [timer.key for timer in timers.take_due(3.0)] == ["a", "b"]
    assert timers.take_due(3.0) == []
    assert timers.due == 9.0


def test_there_may_be_none() -> None:
    assert Timers().due is None
    assert Timers().take_due(1e9) == []
