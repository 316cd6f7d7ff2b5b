"""What continuous integration makes of a report: written by pytest itself, judged as .ci/run does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

GOOD = "def test_good():\n    pass\n"
BAD = "def test_bad():\n    assert False\n"
BROKEN = "import pytest\n@pytest.fixture\ndef ill():\n    1 / 0\ndef test_broken(ill):\n    pass\n"
UNREADABLE = "import nothing_of_this_name\n"
WITHOUT_PACKAGE = 'import pytest\ndef test_missing():\n    pytest.importorskip("nothing_of_this_name")\n'
WITHOUT_PROGRAM = (
    "import pytest, shutil\n"
    '@pytest.mark.skipif(shutil.which("nothing-of-this-name") is None, reason="it is not installed")\n'
    "def test_missing():\n    pass\n"
)


def judged(report: Path) -> subprocess.CompletedProcess[str]:
    """The verdict on a report, as .ci/run asks for it."""
    words = [sys.executable, str(ROOT / ".ci" / "judge.py"), str(report)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def report_of(folder: Path, *modules: str) -> Path:
    """What pytest reports of these test modules."""
    report = folder / "report.xml"
    for number, text in enumerate(modules):
        (folder / f"test_{number}.py").write_text(text)
    words = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", str(folder)]
    subprocess.run(
        [*words, "-p", "no:cacheprovider", f"--junit-xml={report}", str(folder)],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        check=False,
    )
    return report


def test_good_tests_pass_and_are_counted(tmp_path: Path) -> None:
    done = judged(report_of(tmp_path, GOOD, GOOD))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2 tests, 0 failures, 0 errors, 0 skipped\n"


@pytest.mark.parametrize(
    ("modules", "wrong"),
    [
        ((GOOD, BAD), "a test failed"),
        ((GOOD, BROKEN), "a test failed"),
        ((GOOD, UNREADABLE), "a test failed"),
        ((BAD, WITHOUT_PACKAGE), "a test failed"),
        ((), "no test ran"),
        (("",), "no test ran"),
        ((WITHOUT_PACKAGE,), "no test ran"),
        ((GOOD, WITHOUT_PACKAGE), "a test was skipped"),
        ((GOOD, WITHOUT_PROGRAM), "a test was skipped"),
    ],
)
def test_whatever_is_less_than_every_test_fails(modules: tuple[str, ...], wrong: str, tmp_path: Path) -> None:
    done = judged(report_of(tmp_path, *modules))

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {wrong}")


@pytest.mark.parametrize("text", [None, "", "<testsuites>"])
def test_a_report_that_is_missing_or_cut_off_is_no_good_report(text: str | None, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    if text is not None:
        report.write_text(text)

    done = judged(report)

    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no report to judge") and "Traceback" not in done.stderr


def test_the_script_ends_with_this_verdict() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()

    assert lines[-1] == '.venv/bin/python .ci/judge.py "$report"'
    assert "set -euo pipefail" in lines
