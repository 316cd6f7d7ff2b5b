"""Node names folded and unfolded, as ClusterShell writes them: `web[01-07,12],db2`. Pure text.

Leading zeros are kept: `web01` and `web1` are two nodes. Names with several numbers fold in each of them
where that is exact (`dc[1-2]n[1-99]`); the folded text is always correct, not always the shortest.
Not here: which nodes exist, and globs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import product
from math import prod

from devopsclaw.model.errors import BadTarget

MAX_NAMES = 100_000
"""An expression that stands for more names is refused: ten times the fleet the console is made for."""

_NUMBER = re.compile(r"(\d+)", re.ASCII)
_PIECE = re.compile(r"[^\[\],\s]*(?:\[[^\[\]]*\][^\[\],\s]*)*")
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_RANGE = re.compile(r"(?P<first>\d{1,63})(?:-(?P<last>\d{1,63})(?:/(?P<step>\d{1,9}))?)?", re.ASCII)

Parts = tuple[str, ...]
"""A name cut at its numbers: text, number, text, number, …, text. A folded number is a `[…]`."""


def fold(names: Iterable[str]) -> str:
    """The names as short text, sorted, each once; `unfold` gives them back. Empty for no names."""
    alike: dict[Parts, set[Parts]] = defaultdict(set)
    for name in set(names):
        parts = tuple(_NUMBER.split(name))
        alike[parts[0::2]].add(parts)
    return ",".join("".join(parts) for shape in sorted(alike) for parts in _folded(alike[shape]))


def unfold(text: str) -> list[str]:
    """The names that a folded text stands for, sorted, each once.

    Raises BadTarget where the text is no folded node set, or stands for more than MAX_NAMES names.
    """
    names: set[str] = set()
    for piece in _pieces(text):
        names.update(_expanded(piece, MAX_NAMES - len(names)))
    return sorted(names)


def _folded(names: set[Parts]) -> list[Parts]:
    """Names of one shape, each of their numbers folded in turn, the last one first."""
    rows = names
    width = len(next(iter(rows)))
    for place in range(width - 2, 0, -2):
        columns: dict[tuple[Parts, Parts], list[str]] = defaultdict(list)
        for parts in rows:
            columns[parts[:place], parts[place + 1 :]].append(parts[place])
        rows = {(*before, _ranges(column), *after) for (before, after), column in columns.items()}
    return sorted(rows)


def _ranges(numbers: list[str]) -> str:
    """Numbers of one column as `[1-3,7]`; a single number as it is."""
    if len(numbers) == 1:
        return numbers[0]
    runs: list[tuple[str, str]] = []
    for number in sorted(numbers, key=lambda digits: (len(digits), digits)):
        if runs and _follows(runs[-1], number):
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return "[" + ",".join(first if first == last else f"{first}-{last}" for first, last in runs) + "]"


def _follows(run: tuple[str, str], number: str) -> bool:
    """Whether the number goes on the run: 08-09 with 10 and 9 with 10, but not 099 with 0100."""
    first, last = run
    if int(number) != int(last) + 1:
        return False
    return len(number) == len(first) or not (_is_padded(first) or _is_padded(number))


def _is_padded(number: str) -> bool:
    return number.startswith("0") and len(number) > 1


def _pieces(text: str) -> Iterator[str]:
    """The text cut at the commas outside brackets."""
    place = 0
    while True:
        piece = _PIECE.match(text, place)
        found = piece[0] if piece else ""
        if not found:
            raise BadTarget(f"{text!r} is not a list of nodes: a name is missing at column {place + 1}")
        yield found
        place += len(found)
        if place == len(text):
            return
        if text[place] != ",":
            raise BadTarget(
                f"{text!r} is not a list of nodes: unexpected {text[place]!r} at column {place + 1}"
            )
        place += 1


def _expanded(piece: str, limit: int) -> Iterator[str]:
    """The names of one piece; refuses before it makes more than `limit`."""
    cut = _BRACKET.split(piece)
    columns = [_numbers(inside, piece, limit) for inside in cut[1::2]]
    if prod(len(column) for column in columns) > limit:
        raise _too_many(piece)
    texts = cut[0::2]
    for numbers in product(*columns):
        between = (number + text for number, text in zip(numbers, texts[1:], strict=True))
        yield texts[0] + "".join(between)


def _numbers(inside: str, piece: str, limit: int) -> list[str]:
    """The numbers in one pair of brackets."""
    numbers: dict[str, None] = {}
    for written in inside.split(","):
        found = _RANGE.fullmatch(written.strip())
        if not found:
            raise BadTarget(
                f"{piece}: {written!r} is no number or range", hint="write web[1-3] or web[1,4,7]"
            )
        numbers.update(dict.fromkeys(_range(found, piece, limit)))
        if len(numbers) > limit:
            raise _too_many(piece)
    return list(numbers)


def _range(found: re.Match[str], piece: str, limit: int) -> list[str]:
    """The numbers of `first-last/step`, each as wide as the first where that has leading zeros."""
    first, last, step = found["first"], found["last"] or found["first"], int(found["step"] or 1)
    padded = _is_padded(first)
    if int(last) < int(first) or step == 0 or (len(first) != len(last) and (padded or _is_padded(last))):
        raise BadTarget(
            f"{piece}: {found[0]} is no range",
            hint="the smaller number comes first, and with leading zeros both are equally wide: 01-20",
        )
    values = range(int(first), int(last) + 1, step)
    if int(last) - int(first) >= limit * step:
        raise _too_many(piece)
    return [str(value).zfill(len(first) if padded else 0) for value in values]


def _too_many(piece: str) -> BadTarget:
    return BadTarget(f"{piece} stands for more than {MAX_NAMES:,} names", hint="write a glob, as web*")
