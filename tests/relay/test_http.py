"""The plain pages of the relay's port, over real TLS."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from typing import Any

import pytest

from devopsclaw.wire.frames import Frame, FrameType


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/health", 200, "ok"),
        ("/ready", 200, "ready"),
        ("/ready?x=1", 200, "ready"),
        ("/", 426, "devopsclaw relay"),
        ("/admin", 404, "not here"),
        ("//health", 404, "not here"),
    ],
)
async def test_each_page_answers_as_it_should(fleet: Any, path: str, status: int, word: str) -> None:
    async with fleet.relay() as relay:
        code, _, body = await fleet.page(relay.port, path)

    assert code == status
    assert word in body


@pytest.mark.parametrize("path", ["/health", "/metrics", "/"])
async def test_a_request_of_a_web_page_is_refused_everywhere(fleet: Any, path: str) -> None:
    async with fleet.relay() as relay:
        code, _, _ = await fleet.page(relay.port, path, "Origin: https://evil.example")

    assert code == 403


async def test_no_page_says_which_software_serves_it(fleet: Any) -> None:
    async with fleet.relay() as relay:
        _, head, _ = await fleet.page(relay.port, "/health")

    assert "server:" not in head


async def test_metrics_are_clean_for_promtool_and_count_what_happens(fleet: Any) -> None:
    promtool = shutil.which("promtool")
    assert promtool, "promtool is needed for this test: apt-get install prometheus"
    async with fleet.relay() as relay, fleet.connected(fleet.controller(relay.url)) as core:
        async with fleet.connected(fleet.node(relay.url)) as node:
            await node.send(Frame(FrameType.OUTPUT, {"node": node.welcome.uid}, b"x"))
            async with asyncio.timeout(10):
                while (await core.receive()).type is not FrameType.OUTPUT:
                    pass
            code, head, page = await fleet.page(relay.port, "/metrics")

    lint = subprocess.run(
        [promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False
    )
    assert (lint.returncode, lint.stdout, lint.stderr) == (0, "", "")
    assert (code, "content-type: text/plain; version=0.0.4" in head) == (200, True)
    assert 'devopsclaw_relay_sessions{role="node"} 1.0' in page
    assert 'devopsclaw_relay_frames_total{role="node"} 1.0' in page
    assert "devopsclaw_relay_claimed 1.0" in page
    assert "_created" not in page


async def test_metrics_name_no_node_and_no_address(fleet: Any) -> None:
    async with fleet.relay() as relay, fleet.connected(fleet.node(relay.url, "secret-host")) as node:
        _, _, page = await fleet.page(relay.port, "/metrics")

    assert "secret-host" not in page
    assert node.welcome.uid not in page
    assert "127.0.0.1" not in page
