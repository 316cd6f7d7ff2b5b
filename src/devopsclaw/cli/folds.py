"""How a command on many nodes reads: nodes with the same output once, failures last, then one line
of summary. Text from the result's JSON; no terminal, no time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Mark = Callable[[str], str]


def folds_text(folds: Sequence[dict[str, Any]], mark: Mark, rule: str = "──") -> str:
    """Every fold with its heading, the ones that are not ok last; empty where there are none."""
    ordered = sorted(folds, key=lambda fold: fold["status"] != "ok")
    return "".join(_fold(fold, mark, rule) for fold in ordered)


def _fold(fold: dict[str, Any], mark: Mark, rule: str) -> str:
    parts = [f"{rule} {fold['nodes']} ({fold['count']}) {mark(fold['status'])}"]
    if fold["exit_code"] is not None:
        parts.append(f"exit {fold['exit_code']}")
    if fold["reason"]:
        parts.append(f"({fold['reason']})")
    errors = _closed(fold["stderr"])
    label = "stderr:\n" if errors and fold["stdout"] else ""
    return f"{' '.join(parts)}\n{_closed(fold['stdout'])}{label}{errors}"


def leftovers_text(items: Sequence[Mapping[str, Any]]) -> str:
    """A line for each node with processes that outlived its command; empty where there are none."""
    lines = [
        f"{item['node']} {what}: {', '.join(item[field])}\n"
        for item in items
        for field, what in (("left", "left running"), ("survivors", "could not be stopped"))
        if item.get(field)
    ]
    return "".join(lines)


def _closed(text: str) -> str:
    """The text with a line break at its end, if it is not empty."""
    return text if not text or text.endswith("\n") else text + "\n"


def counts_text(counts: Mapping[str, int]) -> str:
    """As `3 nodes: 2 ok, 1 failed`."""
    total = sum(counts.values())
    listed = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return f"{total} node{'' if total == 1 else 's'}: {listed or 'nothing to do'}"


def summary_text(body: Mapping[str, Any]) -> str:
    """As `3 nodes: 2 ok, 1 failed  X-31  E-8840  0.4s`, or with when it was last heard of; what is not there
    is left out.
    """
    parts = [counts_text(body.get("counts", {})), body.get("run", ""), body.get("entry", "")]
    if body.get("duration") is not None:
        parts.append(f"{body['duration']:.1f}s")
    if body.get("last_heard"):
        parts.append(f"last heard {body['last_heard']}")
    return "  ".join(part for part in parts if part)
