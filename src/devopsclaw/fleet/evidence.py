"""The hash of what a run came to, for its audit entry: the same whoever saw its end, and when. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import NamedTuple

from devopsclaw.core.runs import Run, RunEvent
from devopsclaw.fleet.results import last_words, states_of


class Answer(NamedTuple):
    """What one node answered. Of its output the SHA-256, hex, as it reported them; empty without a report."""

    node: str
    state: str
    exit_code: int | None
    stdout: str
    stderr: str


def evidence_of(answers: Iterable[Answer]) -> str:
    """SHA-256 over the answers in the order of the nodes' names, as `sha256:` and hex.

    Hashed is JSON without spaces, ASCII only: a list of [node, state, exit code, stdout, stderr].
    """
    text = json.dumps(sorted(answers), separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def answers_of(run: Run, events: list[RunEvent]) -> list[Answer]:
    """What each node of the run answered, as far as its log has it."""
    words = last_words(events)
    return [
        Answer(
            node=name,
            state=state.value,
            exit_code=words.get(name, {}).get("exit_code"),
            stdout=words.get(name, {}).get("stdout_sha256", ""),
            stderr=words.get(name, {}).get("stderr_sha256", ""),
        )
        for name, state in states_of(run, events).items()
    ]
