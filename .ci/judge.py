"""Judges a report of the tests in JUnit's format: `python .ci/judge.py REPORT`. Not how they are run.

Fails when a test failed, when none ran, and when one was skipped: here everything it needs is installed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

COUNTED = ("tests", "failures", "errors", "skipped")


def counts(report: Path) -> dict[str, int]:
    """How many tests there were in all suites, and how many of them went how. Raises OSError, ParseError."""
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    return {name: sum(int(suite.get(name, 0)) for suite in suites) for name in COUNTED}


def verdict(found: dict[str, int]) -> str:
    """What is wrong; empty where all is well."""
    if found["failures"] or found["errors"]:
        return "a test failed"
    if found["tests"] == found["skipped"]:
        return "no test ran"
    if found["skipped"]:
        return "a test was skipped: everything it needs has to be installed here"
    return ""


def main(report: Path) -> int:
    """Print the counts and the verdict; the exit code."""
    try:
        found = counts(report)
    except (OSError, ElementTree.ParseError) as unreadable:
        print(f"error: there is no report to judge: {unreadable}", file=sys.stderr)
        return 1
    print(", ".join(f"{count} {name}" for name, count in found.items()))
    if wrong := verdict(found):
        print(f"error: {wrong}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
