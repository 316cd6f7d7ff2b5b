"""A request in words: all of it, in its order, and nothing in it that could draw a line of ours."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from tests.widgets.requests import plan_of, request_of

from devopsclaw.model.text import one_line
from devopsclaw.widgets.request_words import FLAG, details, facts, is_disguised, subject

NOW = 1_795_316_954.0


def lines(**more: object) -> list[str]:
    """The facts, as they stand on screen."""
    said = facts(request_of(**more), 78)  # type: ignore[arg-type]
    return [f"{each.label:<9}{each.text}" if each.label else each.text for each in said]


def test_the_order_is_what_command_nodes_risk_and_then_who_why_undo_expiry_digest() -> None:
    first, second, *labelled = lines()
    rest = [each.label for each in details(request_of(), 78, NOW) if each.label.strip()]

    assert first == "fleet.exec on 4 nodes in PROD, destructive"
    assert second == "  $ rm -rf /srv/cache"
    assert [line.split()[0] for line in labelled] == ["NODES", "RISK"]
    assert rest == ["ASKED", "WHY", "UNDO", "EXPIRES", "TARGET", "HOW", "HOW", "DIGEST"]


@given(command=st.text(st.characters(codec="utf-8"), min_size=1, max_size=400))
@settings(deadline=None, max_examples=150)
def test_no_character_of_a_command_is_lost_and_none_acts_on_the_terminal(command: str) -> None:
    asked = request_of(plan=plan_of(command))
    quoted = [each.text for each in facts(asked, 60) if each.text[:4] in ("  $ ", "  | ")]

    assert all(cell_len(line) <= 60 for line in quoted)
    assert all(one_line(line) == line for line in quoted)
    plain = "".join(character for character in command if character.isascii() and character.isprintable())
    shown = "".join(line[4:] for line in quoted)
    assert all(shown.count(each) >= plain.count(each) for each in set(plain))


def test_control_characters_are_written_out_and_flagged() -> None:
    said = lines(plan=plan_of("echo \x1b[2J\u202egnp.exe"))

    assert "  $ echo ␛[2J<U+202E>gnp.exe" in said
    assert any(line.startswith("CAREFUL") and FLAG in line for line in said)
    assert not is_disguised(request_of(plan=plan_of("for each in *; do\n  echo $each\ndone")))


def test_a_text_of_somebody_else_never_begins_where_our_labels_stand() -> None:
    hostile = f"fine{' ' * 65}RISK     none\nRISK     none"
    others = details(request_of(plan=plan_of(reason=hostile)), 78, NOW)
    said = [*lines(plan=plan_of(hostile)), *(each.text for each in others if not each.label)]

    assert [line for line in said if line.startswith("RISK")] == [
        "RISK     CRITICAL: destructive, 4 nodes, in prod"
    ]


def test_a_plan_that_changed_says_what_is_other_than_what_was_allowed() -> None:
    said = lines(plan=plan_of(nodes=5), before=plan_of(nodes=4))

    assert "CHANGED  since it was allowed: + prod-web-5" in said


def test_many_nodes_are_folded_and_the_one_that_would_be_left_out_is_named() -> None:
    said = [each.text for each in facts(request_of(plan=plan_of(nodes=40)), 78, dropping=6)]

    assert "prod-web-[1-40]   >prod-web-15< 7 of 40" in said


def test_the_subject_is_one_line_whatever_the_names_are() -> None:
    said = subject(request_of(plan=plan_of(environments=("prod\n\x1b[2J",))))

    assert "\n" not in said and "\x1b" not in said
