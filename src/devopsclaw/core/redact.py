"""Takes secrets out of text, by value and by pattern. Not where secrets come from: core/secrets.

What is hidden where:

- **A known value** (from the configuration, the environment, the keyring or a token file) is hidden in
  everything that this process keeps or says by itself: log, events, audit, errors, crash texts; also as
  base64, URL-quoted, JSON- or Python-escaped.
- **Patterns** (keys of well-known vendors, JWT, PEM, `password=…`) are hidden as well in logs, crash texts,
  warnings and errors: nobody needs a stranger's token there, and one word too much hidden costs nothing.
- **The audit trail keeps a command line as it was typed**, but for known values and what is assigned to a
  password (`--password x`, `token=x`, `https://u:x@…`). Who asks later what ran needs the text: with every
  long word hidden, `git checkout` of a commit could not be told from another. That something was there
  stands in the text as `***`; the digest of the plan is that of the whole text, so it still proves which
  command it was to somebody who has it.
- **Output of commands is not touched**: its bytes are counted and hashed at the node, and what a command
  prints is what its reader asked for. Nor is the command itself in the run log: it may have to be sent again.

A value of fewer than `SHORTEST` characters is not hidden: it would take letters out of every word. One of
fewer than `LONG` is hidden where it stands alone.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "***"

SHORTEST, LONG = 4, 8
"""Characters of a value that is hidden at all, and of one that is hidden inside longer words too."""

_BREAK = r"(?:\s|\\[rnt]){1,4}"
_PEM = (
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"
    rf"(?:{_BREAK}[A-Za-z-]{{1,20}}: [^\n\\]{{1,80}}){{0,4}}"
    rf"{_BREAK}[A-Za-z0-9+/=]{{16,80}}(?:{_BREAK}[A-Za-z0-9+/=]{{1,80}}){{0,160}}"
    rf"(?:{_BREAK}-----END [A-Z ]{{0,40}}PRIVATE KEY-----)?"
)
_TOKENS = re.compile(
    "|".join(
        (
            _PEM,
            r"\bsk-[A-Za-z0-9_-]{16,400}",  # OpenAI, Anthropic
            r"\bxox[a-z]-[A-Za-z0-9-]{8,400}|\bxapp-[A-Za-z0-9-]{8,400}",  # Slack
            r"\bgh[pousr]_[A-Za-z0-9]{16,400}|\bgithub_pat_[A-Za-z0-9_]{16,400}",
            r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",  # AWS
            r"\beyJ[\w-]{8,4000}\.[\w-]{8,4000}\.[\w-]{0,4000}",  # JWT, RFC 7519
        )
    )
)
_NAMES = r"(?:pass(?:word|wd|phrase)|pwd|secret|token|credential|(?:api|access|private|secret)[_-]?key)"
_NAMED = re.compile(rf"(?i){_NAMES}$")
_BARE = r"[^\s\"'&;,|<>(){}\[\]\\$][^\s\"'&;,|<>(){}\[\]\\]{0,3999}"
_QUOTED = r"(?:\\?\"[^\"\n$][^\"\n]{0,3999}\"?|'[^'\n$][^'\n]{0,3999}'?)"
_ASSIGNED = re.compile(
    "|".join(
        (
            rf"(?i:{_NAMES})=(?P<equal>{_QUOTED}|{_BARE})",
            rf"(?i:{_NAMES})\\?[\"']?[ \t]{{0,4}}[:=][ \t]{{0,4}}(?P<quoted>{_QUOTED})",
            r"(?i:authorization\\?[\"']?: ?\\?[\"']?(?:bearer |basic |token )?|\bbearer )"
            r"(?P<header>[\w.~+/=-]{8,4000})",
            r"://[^\s/:@]{0,200}:(?P<url>[^\s/@]{1,1000})(?=@)",
        )
    )
)
_TYPED = re.compile(rf"--[\w-]{{0,40}}?(?i:{_NAMES})[ \t]{{1,8}}(?P<option>{_QUOTED}|(?!-){_BARE})")
"""An option and its value in two words; our own sentences say `--token and …` too, so only for commands."""

_MANY_LINES = "-----BEGIN"

Hide = Callable[[re.Match[str]], str]


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern; no match is longer than `reach`. One that may span lines begins with `opening`.

    A match has one of `signs` in it, in lower case: looking for those is ten times as fast.
    """

    pattern: re.Pattern[str]
    reach: int
    opening: str | None = None
    signs: tuple[str, ...] = ()

    def search(self, text: str, at: int) -> re.Match[str] | None:
        """The first match from there on."""
        if self.signs:
            lowered = text.lower()
            if not any(sign in lowered for sign in self.signs):
                return None
        return self.pattern.search(text, at)


_GITHUB = ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_")
TOKENS = Rule(
    _TOKENS, 16_384, _MANY_LINES, ("-----begin", "sk-", "xox", "xapp-", *_GITHUB, "akia", "asia", "eyj")
)
_SIGNS = ("pass", "pwd", "secret", "token", "credential", "key")
ASSIGNED = Rule(_ASSIGNED, 4_400, None, (*_SIGNS, "authorization", "bearer", "://"))
TYPED = Rule(_TYPED, 4_400, None, ("--",))

EVERYWHERE = (TOKENS, ASSIGNED)
IN_AUDIT = (ASSIGNED, TYPED)


def _hidden(match: re.Match[str]) -> str:
    """`***` for the whole match, or for what was assigned in it."""
    if not match.lastgroup:
        return HIDDEN
    start, end = match.span(match.lastgroup)
    return match.string[match.start() : start] + HIDDEN + match.string[end : match.end()]


class Strainer:
    """One rule over text that comes in pieces: wherever it is cut, the joined text is the same.

    A match is at most `reach` long and, but for what begins with `opening`, never spans lines; so all that
    begins before the last line break, or `reach` before the end, is settled.
    """

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._held = ""
        self._at = 0
        """Where in `held` the text begins that was not given out; the character before it is kept to be
        looked back at.
        """

    def feed(self, text: str) -> str:
        """What is settled now."""
        self._held += text
        settled = len(self._held) - self._rule.reach - 1
        opening = self._rule.opening
        if opening is None or (opening and self._held.find(opening, self._at) < 0):
            settled = max(settled, self._held.rfind("\n") + 1)
        return self._take(settled)

    def end(self) -> str:
        """The rest."""
        return self._take(len(self._held))

    def _take(self, settled: int) -> str:
        given, at = [], self._at
        while (match := self._rule.search(self._held, at)) and match.start() < settled:
            given += [self._held[at : match.start()], _hidden(match)]
            at = match.end()
        if at < settled:
            given.append(self._held[at:settled])
            at = settled
        keep = max(0, at - 1)
        self._held, self._at = self._held[keep:], at - keep
        return "".join(given)


class MaskStream:
    """Several rules, one behind the other, over text that comes in pieces."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._strainers = [Strainer(rule) for rule in rules]

    def feed(self, text: str) -> str:
        """What is settled now, without secrets: whole lines at once, of an open line the beginning."""
        for strainer in self._strainers:
            text = strainer.feed(text)
        return text

    def end(self) -> str:
        """The rest, as the text goes no further."""
        text = ""
        for strainer in self._strainers:
            text = strainer.feed(text) + strainer.end()
        return text


class Mask:
    """Hides the secrets it knows, and what looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._known: Rule | None = None
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Know these secrets too."""
        new = frozenset(secret for secret in secrets if len(secret) >= SHORTEST) - self._secrets
        if new:
            self._secrets |= new
            self._known = _rule_of(self._secrets)

    def forget(self) -> None:
        """Know no secret any more."""
        self._secrets, self._known = frozenset(), None

    def stream(self, rules: Iterable[Rule] = EVERYWHERE) -> MaskStream:
        """A filter for text that comes in pieces, with what is known now."""
        return MaskStream([*([self._known] if self._known else ()), *rules])

    def text(self, text: str, rules: Iterable[Rule] = EVERYWHERE) -> str:
        """The text without secrets."""
        stream = self.stream(rules)
        return stream.feed(text) + stream.end()

    def hide(self, value: Any, rules: Iterable[Rule] = EVERYWHERE) -> Any:
        """The value as JSON without secrets, in keys and nested values too."""
        rules = tuple(rules)
        if isinstance(value, dict):
            return {self.text(str(key), rules): self._under(key, each, rules) for key, each in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.hide(each, rules) for each in value]
        if value is None or isinstance(value, bool | int) or (isinstance(value, float) and isfinite(value)):
            return value
        return self.text(str(value), rules)

    def _under(self, key: Any, value: Any, rules: tuple[Rule, ...]) -> Any:
        """What stands under a key that is called a secret is one, whatever it looks like."""
        is_named = isinstance(value, str) and value and _NAMED.search(str(key))
        return HIDDEN if is_named else self.hide(value, rules)

    @contextmanager
    def cleaning(self) -> Iterator[None]:
        """What fails in the block says no secret."""
        try:
            yield
        except Exception as failed:
            self.clean(failed)
            raise

    def clean(self, failed: BaseException) -> None:
        """Take the secrets out of what an error says: its arguments, message and hint; of each in a group."""
        args = tuple(self.text(each) if isinstance(each, str) else each for each in failed.args)
        if args != failed.args:
            failed.args = args
        for name in ("message", "hint"):  # of our own
            if isinstance(text := getattr(failed, "__dict__", {}).get(name), str):
                setattr(failed, name, self.text(text))
        if isinstance(failed, BaseExceptionGroup):
            for each in failed.exceptions:
                self.clean(each)


KNOWN = Mask()
"""What this process has read. One for the process, as a crash is told where no service is at hand any more;
whoever reads a secret adds it.
"""

_SECRET_NAME = re.compile(
    r"(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_KEY|ACCESS_KEY|AES_KEY|CREDENTIALS?)$"
)


def named_secrets(environment: Mapping[str, str]) -> Iterator[str]:
    """The values of variables whose name says that they are secrets, ours and others'."""
    for name, value in environment.items():
        if _SECRET_NAME.search(name) and len(value) >= LONG:
            yield value


def _rule_of(secrets: Iterable[str]) -> Rule:
    """All forms of all of them, the longest first, so that no end is left over."""
    forms = {form for secret in secrets for form in _forms(secret)}
    ordered = sorted(forms, key=lambda form: (-len(form), form))
    longest = len(ordered[0])
    spans_lines = any("\n" in form for form in ordered)
    return Rule(re.compile("|".join(map(_matched, ordered))), longest, "" if spans_lines else None)


def _matched(form: str) -> str:
    text = re.escape(form)
    return text if len(form) >= LONG else rf"(?<!\w){text}(?!\w)"


def _forms(secret: str) -> Iterator[str]:
    """The value as it may stand in other text."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    if len(secret) < LONG:
        return
    raw = secret.encode("utf-8", "surrogateescape")
    yield quote(raw, safe="")
    yield quote(raw)
    yield quote_plus(raw)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).decode()
        yield from (_inner(encode, raw, offset) for offset in range(3))


def _inner(encode: Callable[[bytes], bytes], raw: bytes, offset: int) -> str:
    """The characters of the base64 of a longer text that stand for this part alone, which begins `offset`
    bytes behind a border of three: four characters hold three bytes (RFC 4648 §4).
    """
    text = encode(b"\0" * offset + raw).decode().rstrip("=")
    whole = (offset + len(raw)) * 8 // 6
    first = -(-offset * 8 // 6)
    return text[first:whole]
