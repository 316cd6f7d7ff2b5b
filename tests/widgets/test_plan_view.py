"""A plan in words."""

from __future__ import annotations

from tests.widgets.conftest import Host, heard

from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.widgets.plan_view import PlanView, described, difference

PLAN = Plan(
    operation="fleet.exec",
    effect=Effect.WRITE,
    target="role=web",
    nodes=("web-1", "web-2", "web-3"),
    environments=("prod",),
    run="systemctl restart nginx",
    steps=("serial", "timeout 60 s"),
    risk="high",
    phrase="yes",
)


def test_what_is_asked_about_comes_first_and_its_digest_last() -> None:
    lines = described(PLAN).plain.split("\n")

    assert lines[0] == "fleet.exec  write  on 3 nodes in PROD"
    assert lines[2] == "RUN      $ systemctl restart nginx"
    assert lines[-1] == f"DIGEST   {PLAN.digest[:12]}"
    assert "NODES    web-[1-3]" in lines and "RISK     high" in lines and "UNDO     none" in lines


def test_a_command_of_several_lines_is_shown_whole_and_set_in() -> None:
    text = described(PLAN.model_copy(update={"run": "cd /srv\nmake all"})).plain

    assert "RUN      $ cd /srv\n         $ make all" in text


def test_a_command_cannot_draw_on_the_screen() -> None:
    text = described(PLAN.model_copy(update={"run": "echo \x1b[2J\u202eevil"})).plain

    assert "\x1b" not in text and "\u202e" not in text


def test_what_only_reads_has_nothing_to_undo() -> None:
    assert "UNDO" not in described(PLAN.model_copy(update={"effect": Effect.READ})).plain


def test_another_plan_says_what_is_other() -> None:
    after = PLAN.model_copy(update={"nodes": ("web-1", "web-3", "web-4"), "run": "reboot"})

    assert difference(PLAN, after) == "since you last saw it: + web-4, - web-2, run"
    assert "CHANGED" in described(after, PLAN).plain
    assert "CHANGED" not in described(PLAN, PLAN).plain


def test_being_judged_otherwise_is_not_another_plan() -> None:
    assert "CHANGED" not in described(PLAN, PLAN.model_copy(update={"risk": "low", "phrase": ""})).plain


async def test_a_plan_that_fits_is_read_at_once(host: Host) -> None:
    view = PlanView()
    async with host(view, (80, 20)) as pilot:
        view.show(PLAN)
        await pilot.pause()

        assert heard(pilot, PlanView.ReadToEnd)


async def test_one_that_does_not_fit_is_read_when_its_end_was_on_screen(host: Host) -> None:
    view = PlanView()
    async with host(view, (80, 6)) as pilot:
        view.clear()
        await pilot.pause()
        before = len(heard(pilot, PlanView.ReadToEnd))
        view.show(PLAN.model_copy(update={"steps": tuple(f"step {number}" for number in range(30))}))
        await pilot.pause()
        assert len(heard(pilot, PlanView.ReadToEnd)) == before
        for _ in range(10):
            view.page(1)
            await pilot.pause()

        assert len(heard(pilot, PlanView.ReadToEnd)) > before
