"""Safe text: nothing a terminal acts on gets through, and nothing else is changed."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.model.text import SafeStream, one_line, safe

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


GOLDEN = [
    ("web-1\x1b[2K\rprod-9", "web-1␛[2K␍prod-9", "web-1␛[2K␍prod-9"),
    ("\x1b]52;c;cm0gLXJm\x07", "␛]52;c;cm0gLXJm␇", "␛]52;c;cm0gLXJm␇"),
    ("\x1b]8;;http://x\x1b\\here", "␛]8;;http://x␛\\here", "␛]8;;http://x␛\\here"),
    ("ok\n\x1b[1A\x1b[32mok", "ok\n␛[1A␛[32mok", "ok␊␛[1A␛[32mok"),
    ("a\tb\x0bc\x0cd\x85e", "a\tb␋c␌d<U+0085>e", "a␉b␋c␌d<U+0085>e"),
    ("one\r\ntwo\r\n", "one\ntwo\n", "one␊two␊"),
    ("a\u2028b\u2029c", "a<U+2028>b<U+2029>c", "a<U+2028>b<U+2029>c"),
    ("exe\u202egnp.sh", "exe<U+202E>gnp.sh", "exe<U+202E>gnp.sh"),
    ("pay\u2066pal\u2069", "pay<U+2066>pal<U+2069>", "pay<U+2066>pal<U+2069>"),
    ("web\u200b-1\u00ad", "web<U+200B>-1<U+00AD>", "web<U+200B>-1<U+00AD>"),
    ("\u3164\u115f\uffa0", "<U+3164><U+115F><U+FFA0>", "<U+3164><U+115F><U+FFA0>"),
    ("\x9b31mred\x9c", "<U+009B>31mred<U+009C>", "<U+009B>31mred<U+009C>"),
    (b"\xc2\x9b2J\xe2\x80\xae", "<U+009B>2J<U+202E>", "<U+009B>2J<U+202E>"),
    (b"\xf0\x9f\nx\xff", "\ufffd\nx\ufffd", "\ufffd␊x\ufffd"),
    ("\udcff\ud83d", "\ufffd\ufffd", "\ufffd\ufffd"),
    ("\x08\x08\x7frm", "␈␈␡rm", "␈␈␡rm"),
    ("C:\\new\\x1b", "C:\\new\\x1b", "C:\\new\\x1b"),
    ("", "", ""),
]
"""What an attacker would have a terminal show or do; what it is in text of lines; what it is in one line."""


@pytest.mark.parametrize(("raw", "shown", "in_one_line"), GOLDEN)
def test_hostile_text_looks_the_same_in_every_face(raw: bytes | str, shown: str, in_one_line: str) -> None:
    assert (safe(raw), one_line(raw)) == (shown, in_one_line)


@settings(deadline=None)
@given(st.one_of(NASTY, BYTES))
def test_one_line_is_one_line_of_text_that_has_no_power(raw: bytes | str) -> None:
    line = one_line(raw)

    assert len(line.splitlines()) <= 1
    assert not {unicodedata.category(each) for each in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert one_line(line) == line


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
