"""The commit that `devopsclaw version` names: the one of now, in a checkout, a worktree and a wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.test_wheel import ROOT, SOURCES

OUTSIDE = {name: text for name, text in os.environ.items() if not name.startswith(("GIT_", "MAKE"))}
"""The environment without what belongs to the git or make that may run these tests."""


@dataclass
class Checkout:
    """A folder with the source, and the environment that make finds ready in it."""

    folder: Path

    def run(self, *words: str, **more: str) -> str:
        """Run a program in it; what it printed."""
        own = {
            "HOME": str(self.folder.parent),
            "PYTHONPATH": str(self.folder / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",  # two files of one second and one size would pass for the same
        }
        done = subprocess.run(
            words,
            cwd=self.folder,
            env={**OUTSIDE, **own, **more},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def git(self, *words: str) -> str:
        """Run git, as somebody."""
        return self.run("git", "-c", "user.name=a", "-c", "user.email=a@example.com", *words).strip()

    def commit(self, text: str) -> str:
        """Commit a change; the short commit."""
        (self.folder / "README.md").write_text(text)
        self.git("add", "--all")
        self.git("commit", "-q", "-m", text)
        return self.git("rev-parse", "--short=12", "HEAD")

    def make(self, *words: str) -> str:
        """Run make in an environment that is set up already."""
        venv = self.folder / ".venv"
        if not venv.exists():
            python = venv / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
            python.chmod(0o755)
            for stamp in (".python", ".ready", ".ready-dev"):
                (venv / stamp).touch()
        return self.run("make", *words)

    def version(self) -> str:
        """What the product says of its commit."""
        return self.run(sys.executable, "-m", "devopsclaw", "version").split("(")[1].split(",")[0]


@pytest.fixture
def unpacked(tmp_path: Path) -> Checkout:
    """The source outside git."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in (*SOURCES, "Makefile", "requirements.lock", "requirements-dev.lock", ".gitignore"):
        path = ROOT / name
        if path.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "_build.py")
            shutil.copytree(path, folder / name, ignore=ignored)
        else:
            shutil.copy(path, folder / name)
    return Checkout(folder)


@pytest.fixture
def checkout(unpacked: Checkout) -> Checkout:
    """The source in a repository with one commit."""
    unpacked.git("init", "-q")
    unpacked.commit("first")
    return unpacked


def test_make_bakes_the_commit_of_now(checkout: Checkout) -> None:
    for text in ("second", "third"):
        commit = checkout.commit(text)
        checkout.make("baked")

        assert checkout.version() == commit


def test_a_change_that_was_not_committed_shows(checkout: Checkout) -> None:
    commit = checkout.commit("second")
    checkout.make("baked")
    (checkout.folder / "README.md").write_text("edited")
    checkout.make("baked")

    assert checkout.version() == f"{commit}+dirty"


def test_a_tag_does_not_hide_the_commit(checkout: Checkout) -> None:
    commit = checkout.commit("second")
    checkout.git("tag", "-a", "v1", "-m", "one")
    checkout.make("baked")

    assert checkout.version() == commit


def test_where_nothing_changed_the_build_stays_as_it_is(checkout: Checkout) -> None:
    baked = checkout.folder / "src/devopsclaw/_build.py"
    checkout.make("baked")
    before = baked.stat()
    checkout.make("baked")

    assert (baked.stat().st_ino, baked.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_worktree_has_the_commit_of_its_own(checkout: Checkout) -> None:
    here = checkout.commit("second")
    checkout.git("worktree", "add", "-q", "../other", "HEAD")
    other = Checkout(checkout.folder.parent / "other")
    there = other.commit("third")

    checkout.make("baked")
    other.make("baked")

    assert (checkout.version(), other.version()) == (here, there)


def test_outside_git_the_commit_is_unknown_also_below_another_project(unpacked: Checkout) -> None:
    above = Checkout(unpacked.folder.parent)
    above.git("init", "-q")
    (above.folder / "notes").touch()
    above.git("add", "notes")
    above.git("commit", "-q", "-m", "another project")

    unpacked.make("baked")

    assert unpacked.version() == "unknown"


def test_where_git_is_not_installed_the_commit_is_unknown(checkout: Checkout) -> None:
    checkout.run(sys.executable, "hatch_build.py", PATH="/nowhere")

    assert checkout.version() == "unknown"


def test_a_wheel_has_the_commit_it_was_built_from(checkout: Checkout) -> None:
    commit = checkout.commit("second")
    checkout.run(sys.executable, "-m", "hatchling", "build", "-t", "wheel")

    with zipfile.ZipFile(next((checkout.folder / "dist").glob("*.whl"))) as wheel:
        assert f'COMMIT = "{commit}"' in wheel.read("devopsclaw/_build.py").decode()


@pytest.mark.parametrize("target", ["run", "test", "check", "bench", "deps"])
def test_every_target_that_runs_the_product_bakes_first(target: str, checkout: Checkout) -> None:
    checkout.make("baked")

    lines = checkout.make("--dry-run", target).splitlines()

    assert ".venv/bin/python hatch_build.py" in lines[0]
