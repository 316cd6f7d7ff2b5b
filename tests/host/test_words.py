"""Taking command lines apart: quotes go, separators split, nothing that could run is lost."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.host.words import program_of, simple_commands


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("a b  c", [["a", "b", "c"]]),
        ("a; b && c | d & e\nf", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]),
        ("'a b' \"c d\"e", [["a b", "c de"]]),
        ("'' a", [["", "a"]]),
        (r"r\m \"x a\;b", [["rm", '"x', "a;b"]]),
        ("a\\\nb", [["ab"]]),
        ("\"a;b\" 'c|d'", [["a;b", "c|d"]]),
        ('echo "x $(rm "a b") y" z; rm c', [["rm", "a b"], ["echo", "x  y", "z"], ["rm", "c"]]),
        ('echo "x `rm y`"; rm c', [["rm", "y"], ["echo", "x "], ["rm", "c"]]),
        ('"$(a (b) c', [["a"], ["b"], ["c"], [""]]),
        ("echo $(rm y) z", [["echo", "$"], ["rm", "y"], ["z"]]),
        ("A=1 B='x y' rm x", [["rm", "x"]]),
        ("A=1", []),
        ("f() { rm x; }", [["f"], ["rm", "x"]]),
        ("cat <(rm x) >y", [["cat"], ["rm", "x"], ["y"]]),
        ("", []),
        ("'open rm", [["open rm"]]),
        ("\\", []),
    ],
)
def test_a_text_is_taken_apart(text: str, commands: list[list[str]]) -> None:
    assert simple_commands(text) == commands


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=5))
def test_quoted_words_come_back_as_they_were(words: list[str]) -> None:
    assert simple_commands(shlex.join(["x", *words])) == [["x", *words]]


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="ab ;&|'\"\\$`(){}<>=\n"))
def test_no_text_is_an_error(text: str) -> None:
    assert all(words for words in simple_commands(text))


def test_a_program_is_known_in_any_folder() -> None:
    assert program_of("/usr/bin/rm") == program_of("rm") == program_of("./rm") == "rm"
