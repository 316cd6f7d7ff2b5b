"""From a typed command to a yes: what starts, and what never does."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.screens.conftest import Bench, type_text, until
from textual.pilot import Pilot

from devopsclaw.model.call import Consent
from devopsclaw.model.errors import Denied
from devopsclaw.model.risk import Effect
from devopsclaw.screens.fleet import Fleet
from devopsclaw.screens.folds import Folds
from devopsclaw.screens.run_form import RunForm
from devopsclaw.widgets.field import Field
from devopsclaw.widgets.plan_view import PlanView
from devopsclaw.widgets.prompt import Prompt

KEYS = list("yn72\r \tpr:xq5")
RISKS = st.sampled_from(["high", "critical", ""])


def prompt(pilot: Pilot[int]) -> Prompt:
    """The question of the form."""
    return pilot.app.screen.query_one(Prompt)


def trouble(pilot: Pilot[int]) -> str:
    """What the form complains of."""
    return str(pilot.app.screen.query_one("#trouble").render())


async def form(pilot: Pilot[int], command: str = "restart nginx") -> None:
    """Open the form with a command typed."""
    await pilot.press("x")
    await until(pilot, lambda: isinstance(pilot.app.screen, RunForm))
    await type_text(pilot, command)


async def asked(pilot: Pilot[int], bench: Bench, risk: str) -> None:
    """Bring the form to the question that a plan of this risk needs, its plan read, not yet armed."""
    bench.door.effect, bench.door.risk = Effect.WRITE, risk
    await form(pilot)
    await pilot.press("enter")
    await until(pilot, lambda: prompt(pilot).is_asking and "arming" in prompt(pilot).render().plain)


async def test_the_target_is_the_node_under_the_cursor(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await form(pilot)

        assert pilot.app.screen.query_one("#target", Field).value == "prod-web-2"


async def test_the_target_is_what_was_marked(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("space", "space")
        await form(pilot)

        assert pilot.app.screen.query_one("#target", Field).value == "prod-api-2 or prod-web-2"


async def test_the_target_is_the_filter_when_nothing_is_marked(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("slash")
        await type_text(pilot, "env=stage")
        await until(pilot, lambda: bool(bench.door.matching("env=stage")) and _rows(pilot) == 2)
        await pilot.press("enter")
        await form(pilot)

        assert pilot.app.screen.query_one("#target", Field).value == "env=stage"


def _rows(pilot: Pilot[int]) -> int:
    return len(pilot.app.screen.query_one("#fleet-grid").rows)  # type: ignore[attr-defined]


async def test_what_only_reads_runs_after_its_plan_without_a_question(bench: Bench) -> None:
    bench.door.finish.set()
    async with bench.shown() as pilot:
        await form(pilot, "uptime")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Folds))

    params = {"command": "uptime", "target": "prod-web-2"}
    assert bench.door.named("fleet.exec") == [(params, None, True), (params, None, False)]


async def test_a_timeout_goes_with_the_command(bench: Bench) -> None:
    bench.door.finish.set()
    async with bench.shown() as pilot:
        await form(pilot, "uptime")
        pilot.app.screen.query_one("#timeout", Field).value = "30s"
        await pilot.press("enter")
        await until(pilot, lambda: bool(bench.door.started))

    assert bench.door.started[0][0]["timeout"] == "30s"


async def test_low_and_medium_risk_show_the_plan_and_run_on_enter(bench: Bench) -> None:
    bench.door.finish.set()
    async with bench.shown() as pilot:
        await asked(pilot, bench, "")
        assert bench.door.started == []
        await pilot.press("enter")
        assert bench.door.started == []
        bench.clock.advance(1)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Folds))

    assert bench.door.started[0][1] is None


async def test_high_risk_runs_on_y_and_the_digit_with_the_digest_of_the_plan(bench: Bench) -> None:
    bench.door.finish.set()
    async with bench.shown() as pilot:
        await asked(pilot, bench, "high")
        assert "HIGH RISK: restart nginx on 1 node in PROD" in prompt(pilot).render().plain
        bench.clock.advance(1)
        await pilot.press("y", "7")
        await until(pilot, lambda: isinstance(pilot.app.screen, Folds))

    params, consent, _ = bench.door.started[-1]
    assert consent == Consent("yes", bench.door.plan(params).digest)


async def test_critical_risk_runs_on_the_phrase_and_on_nothing_else(bench: Bench) -> None:
    bench.door.finish.set()
    async with bench.shown() as pilot:
        await asked(pilot, bench, "critical")
        bench.clock.advance(1)
        await pilot.press("y", "7", "backspace", "backspace")
        await type_text(pilot, "prod:")
        assert bench.door.started == []
        await pilot.press("1")
        await until(pilot, lambda: isinstance(pilot.app.screen, Folds))

    consent = bench.door.started[-1][1]
    assert consent is not None and consent.phrase == "prod:1"


@given(
    keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=25),
    risk=st.sampled_from(["high", "critical", ""]),
)
@settings(deadline=None, max_examples=3, suppress_health_check=list(HealthCheck))
async def test_random_keys_before_the_quiet_time_never_start_anything(keys: list[str], risk: str) -> None:
    bench = Bench()
    async with bench.shown() as pilot:
        await asked(pilot, bench, risk)
        before = len(bench.door.started)
        await type_text(pilot, "".join(keys))

        assert len(bench.door.started) == before
        assert prompt(pilot).is_asking


async def test_escape_goes_back_to_the_fields_and_nothing_ran(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await asked(pilot, bench, "high")
        before = len(bench.door.started)
        await pilot.press("escape")
        await until(pilot, lambda: not prompt(pilot).is_asking)
        assert pilot.app.focused is pilot.app.screen.query_one("#command")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Fleet))

    assert len(bench.door.started) == before


async def test_a_paste_is_never_an_answer(bench: Bench) -> None:
    from textual.events import Paste

    async with bench.shown() as pilot:
        await asked(pilot, bench, "critical")
        bench.clock.advance(1)
        prompt(pilot).post_message(Paste("prod:1"))
        await pilot.pause()

        assert prompt(pilot).is_asking
        assert "arming" in prompt(pilot).render().plain


async def test_a_plan_that_changed_after_the_yes_is_shown_with_the_difference_and_asked_again(
    bench: Bench,
) -> None:
    async with bench.shown() as pilot:
        await pilot.press("slash")
        await type_text(pilot, "env=stage")
        await until(pilot, lambda: _rows(pilot) == 2)
        await pilot.press("enter")
        await asked(pilot, bench, "high")
        moved = bench.door.nodes[0].model_copy(update={"name": "stage-web-3", "labels": {"env": "stage"}})
        bench.door.nodes.append(moved)
        bench.clock.advance(1)
        await pilot.press("y", "7")
        await until(pilot, lambda: "+ stage-web-3" in _plan(pilot))

        assert prompt(pilot).is_asking
        assert not isinstance(pilot.app.screen, Folds)


def _plan(pilot: Pilot[int]) -> str:
    return str(pilot.app.screen.query_one(PlanView).query_one("Static").render())


async def test_a_long_plan_has_to_be_read_to_its_end_first(bench: Bench) -> None:
    bench.door.effect = Effect.WRITE
    async with bench.shown() as pilot:
        await form(pilot, "echo")
        pilot.app.screen.query_one("#command", Field).value = "echo " + "a very long line " * 80
        await pilot.press("enter")
        await until(pilot, lambda: prompt(pilot).is_asking)
        assert "read the plan to its end first" in prompt(pilot).render().plain
        bench.clock.advance(1)
        await pilot.press("enter")
        assert bench.door.started == []
        await pilot.press("pagedown", "pagedown", "pagedown")
        await until(pilot, lambda: "read the plan" not in prompt(pilot).render().plain)


async def test_a_wrong_target_is_said_under_the_fields(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await form(pilot, "uptime")
        pilot.app.screen.query_one("#target", Field).value = "nosuch"
        await pilot.press("enter")
        await until(pilot, lambda: "matches no node" in trouble(pilot))

        assert "did you mean env=prod?" in trouble(pilot)
    assert bench.door.started == []


async def test_no_command_is_no_plan(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await form(pilot, "")
        await pilot.press("enter")
        await until(pilot, lambda: "there is no command" in trouble(pilot))

    assert bench.door.named("fleet.exec") == []


async def test_editing_after_the_plan_takes_the_question_away(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await asked(pilot, bench, "")
        pilot.app.screen.query_one("#command", Field).value = "something else"
        await until(pilot, lambda: not prompt(pilot).is_asking)


async def test_a_denial_comes_back_to_the_form_with_its_reason(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await asked(pilot, bench, "")
        bench.door.failures["fleet.exec"] = Denied("tomas is viewer; fleet.exec needs operator")
        bench.clock.advance(1)
        await pilot.press("enter")
        await until(pilot, lambda: "needs operator" in trouble(pilot))

        assert isinstance(pilot.app.screen, RunForm)
