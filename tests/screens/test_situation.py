"""What the console knows."""

from __future__ import annotations

import pytest
from tests.screens.fake_core import NIGHT, Execution, FakeDoor, FleetStatus, fleet

from devopsclaw.core.bus import Gap
from devopsclaw.model.events import CallStarted, NodeMoved, NodeSeen, RelayMoved, RunEnded, RunPlanned, Warned
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.model.state import State
from devopsclaw.screens.situation import RUNS_KEPT, WARNINGS_KEPT, Situation, minute

PLAN = Plan(operation="fleet.exec", effect=Effect.WRITE)


def known(**given: str) -> Situation:
    """A console that listed its fleet."""
    situation = Situation(protected=frozenset({"prod"}), is_open=True)
    situation.list_fleet(fleet(), FleetStatus.model_validate(given))
    return situation


def test_the_header_counts_what_is_away_and_names_what_is_protected() -> None:
    headline = known().headline(NIGHT)

    assert (headline.failing, headline.total, headline.environments) == (1, 9, ("prod",))
    assert headline.minute == "03:09Z"


def test_an_environment_that_is_not_protected_is_not_named() -> None:
    situation = Situation(protected=())
    situation.list_fleet(fleet(), FleetStatus())

    assert situation.headline(NIGHT).environments == ()


def test_presence_moves_one_node_and_keeps_its_facts() -> None:
    situation = known()
    changed = situation.absorb([NodeSeen("local", "late", NIGHT)])

    assert changed == {"local"}
    assert situation.nodes["local"].status == "late"
    assert situation.nodes["local"].facts["os"] == "Debian 12"


def test_a_stranger_is_named_so_that_it_is_asked_for() -> None:
    assert known().absorb([NodeSeen("new-1", "online", NIGHT)]) == {"new-1"}


def test_the_relay_is_what_the_core_says_it_is() -> None:
    situation = known(connection="connecting", why="first try")
    assert (situation.relay, situation.relay_why) == ("connecting", "first try")
    situation.absorb([RelayMoved("lost", why="refused")])
    assert (situation.relay, situation.relay_why) == ("lost", "refused")


def test_a_link_that_stood_is_lost_since_the_first_loss_however_often_it_is_tried() -> None:
    situation, clock = known(), [NIGHT]
    situation.wall = lambda: clock[0]
    for minutes, status, why in ((1, "lost", "cut"), (2, "connecting", ""), (3, "lost", "refused")):
        clock[0] = NIGHT + 60 * minutes
        situation.absorb([RelayMoved(status, "wss://relay:9443", why)])
        assert situation.relay == "lost"

    assert (situation.relay_since, situation.relay_why) == (NIGHT + 60, "refused")
    assert situation.headline(NIGHT).relay_since == "03:10Z"


def test_a_list_that_comes_while_it_is_tried_again_changes_nothing() -> None:
    situation = known()
    situation.absorb([RelayMoved("lost", "wss://relay:9443", "cut")])
    situation.list_fleet(fleet(), FleetStatus(connection="connecting"))

    assert (situation.relay, situation.relay_why) == ("lost", "cut")


def test_since_when_is_not_said_of_a_link_that_never_stood() -> None:
    situation = known(connection="connecting")
    situation.absorb([RelayMoved("lost", "wss://relay:9443", "refused")])

    assert situation.relay_since is None
    assert situation.headline(NIGHT).relay_since == ""


def test_a_link_that_stands_again_was_never_lost() -> None:
    situation = known()
    situation.absorb([RelayMoved("lost", why="cut"), RelayMoved("connecting"), RelayMoved("connected")])

    assert (situation.relay, situation.relay_why, situation.relay_since) == ("connected", "", None)


@pytest.mark.parametrize(("relay", "url"), [("none", ""), ("wss://relay:9443", "wss://relay:9443")])
def test_where_there_is_no_relay_none_is_tried(relay: str, url: str) -> None:
    assert known(relay=relay).relay_url == url


def test_jobs_are_the_open_runs_newest_first_whoever_started_them() -> None:
    situation = known()
    situation.list_fleet(fleet(), FleetStatus(open_runs=["X-9", "X-10"]))
    situation.absorb([RunPlanned("c", "X-11", "uptime", ("local",))])

    assert situation.jobs == [("X-11", "uptime"), ("X-10", ""), ("X-9", "")]


def test_open_runs_count_whoever_started_them() -> None:
    situation = known()
    situation.absorb([RunPlanned("c", "X-1", "uptime", ("local",))])
    assert situation.headline(NIGHT).jobs == 1
    situation.absorb([RunEnded("c", "X-1", 0)])
    assert situation.headline(NIGHT).jobs == 0


def test_an_end_that_was_missed_is_made_good_by_the_next_list() -> None:
    situation = known()
    situation.absorb([RunPlanned("c", "X-1", "uptime", ("local",)), Gap(3)])
    assert [live.dropped for live in situation.running] == [3]
    situation.list_fleet(fleet(), FleetStatus())

    assert situation.running == []


def away() -> Situation:
    """A console that was without a core for a while, with one run that goes on and one that had ended."""
    situation = known()
    for call, run in (("a", "X-1"), ("b", "X-2")):
        situation.absorb([RunPlanned(call, run, "uptime", ("local",))])
    situation.settle(situation.runs["a"], ended("X-1"))
    situation.go_away()
    return situation


def ended(run: str) -> Execution:
    """The result of a run on one node."""
    door = FakeDoor()
    return door.result(run, "E-1", "uptime", door.plan({"command": "uptime", "target": "local"}))


def test_a_run_that_may_go_on_is_not_missed_before_it_is_known_to_have_ended() -> None:
    assert away().missed == []


def test_a_run_that_ended_while_nobody_told_is_missed_until_its_result_is_here() -> None:
    situation = away()
    situation.list_fleet(fleet(), FleetStatus())
    assert [live.run for live in situation.missed] == ["X-2"]

    situation.settle(situation.runs["b"], ended("X-2"))
    assert situation.missed == []


def test_a_call_that_never_became_a_run_is_not_missed() -> None:
    situation = known()
    situation.run_of("c", "uptime")
    situation.go_away()

    assert situation.missed == []


def test_a_result_that_comes_before_the_event_of_the_end_ends_the_job_too() -> None:
    situation = known()
    situation.absorb([RunPlanned("c", "X-1", "uptime", ("local",))])
    situation.settle(situation.runs["c"], ended("X-1"))

    assert situation.jobs == [] and situation.headline(NIGHT).jobs == 0


def test_a_result_of_a_run_that_goes_on_leaves_the_job_open() -> None:
    situation = known()
    situation.absorb([RunPlanned("c", "X-1", "uptime", ("local",))])
    situation.settle(situation.runs["c"], ended("X-1").model_copy(update={"counts": {"running": 1}}))

    assert [run for run, _ in situation.jobs] == ["X-1"]


def test_a_nodes_last_run_outlives_the_next_list() -> None:
    situation = known()
    situation.absorb([NodeMoved("c", "X-1", "local", State.TIMED_OUT)])
    situation.list_fleet(fleet(), FleetStatus())

    assert (situation.nodes["local"].last_run, situation.nodes["local"].last_state) == ("X-1", "timed out")


def test_a_warning_is_kept_once_and_only_the_last_few() -> None:
    situation = known()
    situation.absorb([Warned(f"w{number}") for number in range(9)] + [Warned("w5")])

    assert len(situation.warnings) == WARNINGS_KEPT
    assert [warned.text for warned in situation.warnings][-2:] == ["w8", "w5"]


def test_entries_that_were_written_are_remembered_and_counted_reads_are_not() -> None:
    situation = known()
    situation.absorb(
        [CallStarted("a", "node.list", "maria", PLAN), CallStarted("b", "node.drain", "x", PLAN, "E-2")]
    )

    assert situation.entries == [("E-2", "node.drain")]


def test_old_runs_are_forgotten_but_never_one_that_goes_on() -> None:
    situation = known()
    situation.absorb([RunPlanned("first", "X-0", "sleep 600", ("local",))])
    for number in range(RUNS_KEPT + 20):
        call, run = f"c{number}", f"X-{number + 1}"
        situation.absorb([RunPlanned(call, run, "uptime", ("local",)), RunEnded(call, run, 0)])

    assert situation.named("X-0") is not None
    assert len(situation.runs) <= RUNS_KEPT + 1


def test_minutes_are_utc() -> None:
    assert minute(NIGHT) == "03:09Z"
