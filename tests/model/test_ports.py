"""What boot hands an operation of an engine it does not know: the engines fit their ports."""

from __future__ import annotations

from pathlib import Path

from devopsclaw.fleet.fleet import Fleet
from devopsclaw.host.runner import Runner
from devopsclaw.model.ports import Claims, FleetPort, FleetView, Reach, RelayAnswer
from devopsclaw.model.process import Started
from devopsclaw.model.progress import Progress
from devopsclaw.model.runner import CommandRunner


async def test_the_runner_of_the_host_is_what_a_daemon_needs(tmp_path: Path) -> None:
    runner: CommandRunner = Runner(tmp_path, lambda printed: None)

    wanted = {name for name in vars(CommandRunner) if not name.startswith("_")}
    assert wanted == {"recall", "adopt", "wait", "stop", "read", "forget"} <= set(dir(runner))


def test_the_fleet_is_seen_through_its_port() -> None:
    seen: type[FleetView] = Fleet

    assert callable(seen.summary)


async def test_ports_carry_what_they_were_given() -> None:
    story: list[str] = []

    async def dial(url: str, claim: str) -> RelayAnswer:
        return RelayAnswer(url + claim, 3)

    async def ready() -> None:
        story.append("ready")

    async def forget() -> bool:
        return True

    assert await Claims(dial).dial("wss://relay", "code") == RelayAnswer("wss://relaycode", 3)
    reach = Reach(ready, forget)
    await reach.ready()
    assert (story, await reach.forget()) == (["ready"], True)


def test_progress_reports_the_start_of_a_command() -> None:
    told: list[tuple[str, Started]] = []
    progress = Progress(lambda command, shim: told.append((command, shim)))

    progress.report("c1", Started(1, 2, "boot"))

    assert told == [("c1", Started(1, 2, "boot"))]


def test_a_view_is_found_by_the_class_of_its_port() -> None:
    class View:
        """Nothing to see."""

        def summary(self) -> dict[str, int | str]:
            """See `FleetView.summary`."""
            return {"nodes": 0}

    assert FleetPort(View()).view.summary() == {"nodes": 0}
