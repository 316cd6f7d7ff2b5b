"""What is copied in the console can be pasted: by the tmux around it, without a word to the terminal."""

from __future__ import annotations

from collections.abc import Callable

from tests.journeys.processes import Machine
from tests.journeys.terminal import Terminal


def test_what_y_sends_can_be_pasted_in_tmux_and_no_file_is_left(
    at_a_core: Machine, terminal: Callable[..., Terminal]
) -> None:
    screen = terminal(at_a_core)
    screen.wait("online")
    screen.press("y")
    screen.wait("sent 1 name: tmux")
    assert screen.copied() == "local"

    screen.press("x")
    screen.wait("what each node runs")
    screen.type("seq 20000")
    screen.press("Enter")
    screen.wait("ended, exit 0")
    screen.press("y")
    screen.wait("sent the output of 1 node: tmux")
    assert screen.copied() == "".join(f"{number}\n" for number in range(1, 20001))
    screen.press("q")
    screen.wait("left with 0")

    assert not [path for path in at_a_core.home.rglob("*clipboard*")]
