"""What the README tells people to type is understood as it stands there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from tests.architecture.source_tree import ROOT

from devopsclaw.__main__ import FACES
from devopsclaw.cli import tree
from devopsclaw.cli.entry import with_role
from devopsclaw.cli.settings import Settings

README = (ROOT / "README.md").read_text(encoding="utf-8")


def typed() -> Iterator[str]:
    """Every `devopsclaw …` line of the shell blocks, continued lines joined."""
    for block in re.findall(r"```(?:bash|sh)\n(.*?)```", README, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.strip().startswith("devopsclaw"):
                yield line.strip()


def words_of(line: str) -> list[str]:
    """The words behind `devopsclaw`, up to a comment, a pipe or a redirection."""
    words = shlex.split(line, comments=True)[1:]
    ends = [place for place, word in enumerate(words) if word in ("|", ">", ">>", "&&", ";")]
    return words[: ends[0]] if ends else words


def understood(words: list[str]) -> bool:
    """Whether the line reaches an operation or a face."""
    reached: list[Any] = []

    def perform(spec: dict[str, Any], params: dict[str, Any], settings: Settings) -> int:
        reached.append(spec)
        return 0

    def face(settings: Settings, **given: Any) -> int:
        reached.append(given)
        return 0

    names = [*FACES, "help", "schema", "completion"]
    session = tree.Session(perform, dict.fromkeys(names, face), has_terminal=True)
    tree.root().main(with_role(words), standalone_mode=False, obj=session)
    return bool(reached) or "--help" in words


@pytest.mark.parametrize("line", sorted(set(typed())))
def test_a_line_of_the_readme_is_understood(line: str) -> None:
    assert understood(words_of(line))


def test_the_readme_begins_with_how_to_try_it_and_how_to_test_it() -> None:
    first = re.search(r"```bash\n(.*?)```", README, re.DOTALL)

    assert first is not None
    assert [line.split("#")[0].strip() for line in first[1].splitlines()] == ["make run", "make test"]


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(
        re.findall(r"`?\bmake ([a-z]+)`?", " ".join(re.findall(r"`[^`]*`|^make .*$", README, re.MULTILINE)))
    )

    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()
