r"""Regular expressions of targets: a part of Python's that cannot take for ever to match.

Python's engine tries one way after the other, so `(a+)+` needs time exponential in the name. Nothing can stop
it, therefore what could explode is refused before: only a character or a set may be repeated, groups do not
nest, nothing refers back, and the ways that remain are counted.
"""

from __future__ import annotations

import re
import warnings

from devopsclaw.model.errors import BadTarget

MAX_LENGTH = 200
"""Characters of a pattern; nobody can read a longer one."""

MAX_SUBJECT = 128
"""Characters of a text to be matched, twice a node's name; a longer fact matches no pattern."""

MAX_WAYS = 2**20
"""Three repetitions and two choices: some milliseconds for the worst text there can be."""

_REPETITION, _CHOICE = 64, 2
"""Ways that a repetition adds on a name of 63 characters, and `?` or one `|`."""

_ATOM = r"(?:\\[^1-9]|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\\[\](){}*+?|])"
_QUANTIFIER = r"(?:[*+?]|\{\d*,?\d*\})[?+]?"
_PIECE = rf"{_ATOM}(?:{_QUANTIFIER})?"
_DIALECT = re.compile(rf"(?:{_PIECE}|\||\((?:\?:)?(?:{_PIECE}|\|)*\)\??)*", re.ASCII | re.DOTALL)
_CHOICES = re.compile(rf"{_ATOM}(?P<quantifier>{_QUANTIFIER})|{_ATOM}|(?P<choice>\||\)\?)", re.DOTALL)
_EXACT = re.compile(r"\{\d+\}[?+]?", re.ASCII)


def compile_pattern(text: str) -> re.Pattern[str]:
    """The pattern, for `matches`. Raises BadTarget where it is none, or could take too long."""
    if len(text) > MAX_LENGTH:
        raise BadTarget(f"the regular expression is longer than {MAX_LENGTH} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what a later Python will read otherwise, as [[, is an error now
            compiled = re.compile(text)
    except (re.error, OverflowError, Warning) as wrong:
        raise BadTarget(f"/{text}/ is no regular expression: {wrong}") from wrong
    if not text or not _DIALECT.fullmatch(text) or _ways(text) > MAX_WAYS:
        raise BadTarget(
            f"/{text}/ could take too long to match" if text else "the regular expression is empty",
            hint="repeat only characters and sets, three times at most, and nest no groups; or use web-*-eu",
        )
    return compiled


def matches(pattern: re.Pattern[str], subject: str) -> bool:
    """Whether the pattern matches the text from its beginning to its end."""
    return len(subject) <= MAX_SUBJECT and pattern.fullmatch(subject) is not None


def _ways(text: str) -> int:
    """An upper bound of the ways in which a name can be tried."""
    ways = 1
    for found in _CHOICES.finditer(text):
        quantifier = found["quantifier"]
        if found["choice"] or (quantifier and quantifier[0] == "?"):
            ways *= _CHOICE
        elif quantifier and not _EXACT.fullmatch(quantifier):
            ways *= _REPETITION
    return ways
