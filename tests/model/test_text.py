"""Safe text: nothing a terminal acts on gets through, and nothing else is changed."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.model.text import SafeStream, safe

NASTY = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\r\n\t\x1b\x00\x07\x7f\x9b\u202e\u200b\u2028\ufeff[]m"),
        st.characters(categories=("Cc", "Cf", "Cs")),
    )
)
BYTES = st.one_of(st.binary(), NASTY.map(lambda text: text.encode("utf-8", "surrogatepass")))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        (b"\x1b]0;title\x07", "␛]0;title␇"),
        (b"\x1bP1$r\x1b\\", "␛P1$r␛\\"),
        ("\x9b2J", "<U+009B>2J"),
        (b"\x9b2J", "\ufffd2J"),
        ("a\u202eb", "a<U+202E>b"),
        ("a\u200bb\ufeff", "a<U+200B>b<U+FEFF>"),
        ("a\U000e0041", "a<U+E0041>"),
        ("\ud800", "\ufffd"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"one\r\ntwo\n", "one\ntwo\n"),
        (b"10%\r20%\r\n", "10%␍20%\n"),
        (b"\x00\x7f", "␀␡"),
        ("a\tb", "a\tb"),
        ("Grüße, 世界 ⚠\ufe0f", "Grüße, 世界 ⚠\ufe0f"),
    ],
)
def test_each_kind_of_dangerous_text_is_shown_harmlessly(raw: bytes | str, shown: str) -> None:
    assert safe(raw) == shown


@settings(deadline=None)
@given(st.one_of(NASTY, BYTES))
def test_no_control_or_format_character_survives_but_line_feed_and_tab(raw: bytes | str) -> None:
    left = {char for char in safe(raw) if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}

    assert left <= {"\n", "\t"}


def test_every_character_of_the_dangerous_categories_is_covered() -> None:
    dangerous = {"Cc", "Cf", "Zl", "Zp", "Cs"}
    letters = (chr(code) for code in range(sys.maxunicode + 1))

    through = [char for char in letters if unicodedata.category(char) in dangerous and safe(char) == char]

    assert through == ["\t", "\n"]


@settings(deadline=None)
@given(st.one_of(NASTY, BYTES))
def test_safe_text_stays_as_it_is(raw: bytes | str) -> None:
    assert safe(safe(raw)) == safe(raw)


@settings(deadline=None)
@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"))))
def test_ordinary_text_is_not_changed(text: str) -> None:
    ordinary = "".join(char for char in text if char not in "\u115f\u1160\u3164\uffa0")

    assert safe(ordinary) == ordinary


@settings(deadline=None)
@given(st.lists(BYTES))
def test_a_stream_gives_the_same_text_wherever_it_is_cut(pieces: list[bytes]) -> None:
    stream = SafeStream()

    shown = "".join(stream.feed(piece) for piece in pieces) + stream.end()

    assert shown == safe(b"".join(pieces))


@settings(deadline=None)
@given(BYTES)
def test_a_stream_fed_byte_by_byte_gives_the_same_text(data: bytes) -> None:
    stream = SafeStream()

    shown = "".join(stream.feed(data[place : place + 1]) for place in range(len(data))) + stream.end()

    assert shown == safe(data)


def test_a_stream_holds_back_only_what_is_cut() -> None:
    stream = SafeStream()

    assert stream.feed("€".encode()[:2]) == ""
    assert stream.feed("€".encode()[2:] + b"\r") == "€"
    assert stream.feed(b"\n") == "\n"
    assert stream.end() == ""


def test_a_stream_that_ended_can_be_used_again() -> None:
    stream = SafeStream()

    assert stream.feed(b"\r") + stream.end() == "␍"
    assert stream.feed(b"a") + stream.end() == "a"


def test_tabs_become_spaces_on_request() -> None:
    assert safe("ab\tc\n\td", tab_size=4) == "ab  c\n    d"
