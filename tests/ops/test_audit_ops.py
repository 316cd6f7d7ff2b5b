"""The operations of the audit trail, as every face gets them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devopsclaw.core.audit import AuditLog
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.gate import Gate
from devopsclaw.core.keys import Keys
from devopsclaw.model.audit import Draft
from devopsclaw.model.call import Actor
from devopsclaw.model.errors import BadParams, Denied, NotFound
from devopsclaw.ops import audit

OPERATIONS = [audit.list_entries, audit.show_entry, audit.export_entries, audit.verify_entries]


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[AuditLog]:
    """Five entries; the gate's clock stands at the time of the last."""
    clock = ManualClock(ManualClock().now - 4 * 3600)
    async with await AuditLog.open(tmp_path / "audit", Keys(tmp_path / "keys"), clock) as opened:
        for number in range(5):
            await opened.append(
                Draft(
                    user="maria" if number % 2 else "tomas",
                    action="fleet.exec",
                    target="role=web",
                    status="ok",
                    nodes={"ok": 41, "failed": 2},
                    node_names="web-[1-43]",
                    duration=1.25,
                    detail={"run": 'echo "a,b"\x1b[31m'},
                )
            )
            clock.advance(3600)
        yield opened


@pytest.fixture
def gate(make_gate: Any, log: AuditLog) -> Gate:
    made: Gate = make_gate(OPERATIONS, log)
    return made


async def test_the_list_has_the_promised_names(gate: Gate, viewer: Actor) -> None:
    result = await gate.run("audit.list", {"limit": "1"}, viewer)

    body = result.as_json()
    assert body["schema"] == "devopsclaw.audit/1"
    assert {"time", "user", "action", "target", "status", "nodes", "duration"} <= set(body["items"][0])
    assert body["items"][0]["nodes"] == {"ok": 41, "failed": 2}
    assert [heading for heading, _ in result.columns] == [
        "TIME",
        "USER",
        "ACTION",
        "TARGET",
        "STATUS",
        "NODES",
        "DURATION",
        "ID",
    ]


@pytest.mark.parametrize(
    ("params", "ids"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"user": "maria"}, [4, 2]),
        ({"node": "web-7", "limit": 2}, [5, 4]),
        ({"node": "web-99"}, []),
        ({"action": "node.remove"}, []),
        ({"since": "90m"}, [5, 4]),
        ({"until": "90m"}, [3, 2, 1]),
        ({"since": "2027-01-15T05:00:00Z", "until": "1h"}, [3, 2]),
        ({"before": "E-3"}, [2, 1]),
        ({"before": "e-3", "limit": 1}, [2]),
    ],
)
async def test_the_list_is_filtered(
    gate: Gate, viewer: Actor, params: dict[str, Any], ids: list[int]
) -> None:
    result = await gate.run("audit.list", params, viewer)

    assert [entry.seq for entry in result.items] == ids


async def test_a_list_that_goes_on_says_where(gate: Gate, viewer: Actor) -> None:
    first = await gate.run("audit.list", {"limit": 3}, viewer)
    rest = await gate.run("audit.list", {"limit": 3, "before": first.next}, viewer)

    assert (first.next, rest.next) == ("E-3", None)
    assert [entry.seq for entry in rest.items] == [2, 1]


@pytest.mark.parametrize(
    "params", [{"since": "soon"}, {"limit": 0}, {"limit": 99_999}, {"before": "X-3"}, {"who": "maria"}]
)
async def test_a_wrong_filter_is_said(gate: Gate, viewer: Actor, params: dict[str, Any]) -> None:
    with pytest.raises(BadParams):
        await gate.run("audit.list", params, viewer)


@pytest.mark.parametrize("written", ["E-2", "e-2", "2"])
async def test_one_entry_is_shown_whole_and_harmless(gate: Gate, viewer: Actor, written: str) -> None:
    result = await gate.run("audit.show", {"id": written}, viewer)

    body = result.as_json()
    assert (body["schema"], body["id"], body["user"], len(body["hash"])) == (
        "devopsclaw.audit-entry/1",
        "E-2",
        "maria",
        64,
    )
    assert "nodes        41 ok, 2 failed" in result.text()
    assert "\x1b" not in result.text() and "echo" in result.text()


async def test_an_entry_that_is_not_there_is_said(gate: Gate, viewer: Actor) -> None:
    with pytest.raises(NotFound, match="no audit entry E-99"):
        await gate.run("audit.show", {"id": "E-99"}, viewer)
    with pytest.raises(BadParams, match="'99x' is no audit entry"):
        await gate.run("audit.show", {"id": "99x"}, viewer)


async def test_an_export_in_json_is_one_object_with_a_manifest(
    gate: Gate, viewer: Actor, log: AuditLog
) -> None:
    result = await gate.run("audit.export", {"user": "tomas"}, viewer)

    body = json.loads(result.text())
    assert body == result.as_json()
    assert list(body) == ["schema", "items", "manifest"]
    assert [item["id"] for item in body["items"]] == ["E-1", "E-3", "E-5"]
    head = (await log.verify()).head
    assert body["manifest"] == {"count": 3, "first": "E-1", "last": "E-5", "head": head, "verified": True}


async def test_an_export_in_lines_has_one_entry_in_each(gate: Gate, viewer: Actor) -> None:
    result = await gate.run("audit.export", {"format": "jsonl"}, viewer)

    lines = [json.loads(line) for line in result.text().splitlines()]
    assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5]
    assert lines == result.as_json()["items"]


async def test_an_export_in_csv_can_be_read_back(gate: Gate, viewer: Actor) -> None:
    result = await gate.run("audit.export", {"format": "csv", "since": "30m"}, viewer)

    (row,) = csv.DictReader(io.StringIO(result.text(), newline=""))
    assert (row["id"], row["nodes"], row["duration"]) == ("E-5", "41 ok, 2 failed", "1.25")
    assert json.loads(row["detail"]) == {"run": 'echo "a,b"\x1b[31m'}


async def test_an_export_of_nothing_is_whole(gate: Gate, viewer: Actor) -> None:
    result = await gate.run("audit.export", {"user": "nobody"}, viewer)

    assert (result.manifest.count, result.manifest.first, result.manifest.verified) == (0, "", True)


async def test_a_whole_log_is_verified(gate: Gate, viewer: Actor) -> None:
    result = await gate.run("audit.verify", {}, viewer)

    assert (result.exit, result.status, result.entries, result.first_bad) == (0, "whole", 5, None)
    assert result.text().startswith("whole: 5 entries, ")
    assert result.verdict == "ok"


async def test_a_broken_log_is_named_in_the_first_line(make_gate: Any, tmp_path: Path, viewer: Actor) -> None:
    keys, clock = Keys(tmp_path / "keys"), ManualClock()
    async with await AuditLog.open(tmp_path / "audit", keys, clock) as log:
        for _ in range(3):
            await log.append(Draft(user="maria", action="a.b", status="ok"))
    path = tmp_path / "audit" / "audit.db"
    path.write_bytes(path.read_bytes().replace(b'"seq":2,"id":"E-2"', b'"seq":2,"id":"E-7"'))

    async with await AuditLog.open(tmp_path / "audit", keys, clock) as log:
        result = await make_gate(OPERATIONS, log).run("audit.verify", {}, viewer)
        exported = await make_gate(OPERATIONS, log).run("audit.export", {}, viewer)

    assert (result.exit, result.status, result.verdict) == (1, "broken", "failed")
    assert (result.first_bad.kind, result.first_bad.entry) == ("edited", "E-2")
    assert result.text().splitlines()[0] == "BROKEN: E-2: edited: E-2 is not as it was written"
    assert exported.manifest.verified is False


async def test_a_log_that_cannot_be_read_is_not_called_broken(
    make_gate: Any, tmp_path: Path, viewer: Actor
) -> None:
    (tmp_path / "audit").write_text("a file")
    async with await AuditLog.open(tmp_path / "audit", Keys(tmp_path / "keys"), ManualClock()) as log:
        result = await make_gate(OPERATIONS, log).run("audit.verify", {}, viewer)

    assert (result.exit, result.status) == (2, "unreadable")
    assert result.text().startswith("could not read the audit log: ")


@pytest.mark.parametrize("name", [each.name for each in OPERATIONS])
async def test_a_stranger_may_not_look(gate: Gate, stranger: Actor, name: str) -> None:
    with pytest.raises(Denied, match="nobody is not known here"):
        await gate.run(name, {"id": "E-1"} if name == "audit.show" else {}, stranger)
