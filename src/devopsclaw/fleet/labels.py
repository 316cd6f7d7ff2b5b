"""What names, label keys and label values may look like. Which exist is the inventory's business."""

from __future__ import annotations

import re
from collections.abc import Iterable

from devopsclaw.fleet.inventory import FACT
from devopsclaw.model.errors import BadParams

RESERVED = frozenset({"all", "and", "or", "not", "in"})
"""Words of the target grammar; a node of such a name could not be targeted."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,62}")
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,62}")
_ADDRESS = re.compile(r"[A-Za-z0-9_.:\[\]%-]{1,253}")
_VALUE = re.compile(r"[A-Za-z0-9_.:@%+/-]{1,63}")


def valid_name(name: str) -> str:
    """The name of a node or a group; raises BadParams where it is none."""
    if not _NAME.fullmatch(name):
        raise BadParams(
            f"{name!r} is no name for a node or a group",
            hint="1 to 63 of A-Z a-z 0-9 . _ -, not beginning with . or -",
        )
    if name in RESERVED:
        raise BadParams(
            f"{name!r} is a word of target expressions, so no node or group can have it as its name"
        )
    return name


def valid_labels(written: Iterable[str]) -> dict[str, str]:
    """Labels from `k=v` or `k=v,k=v`; raises BadParams naming the one that is wrong."""
    labels: dict[str, str] = {}
    for pair in split(written):
        key, equals, value = pair.partition("=")
        if not equals:
            raise BadParams(f"{pair!r} is no label", hint="write key=value, several as env=prod,role=web")
        if key.startswith(FACT):
            raise BadParams(
                f"{key!r} cannot be a label: keys that begin with {FACT!r} are the node's own facts"
            )
        if not is_bare(value):
            raise BadParams(
                f"label {valid_key(key)!r} cannot be {value!r}", hint="1 to 63 of A-Z a-z 0-9 _ . : @ % + / -"
            )
        if labels.setdefault(valid_key(key), value) != value:
            raise BadParams(f"label {key!r} is given twice, as {labels[key]!r} and as {value!r}")
    return labels


def valid_key(key: str) -> str:
    """A key of a label or fact; raises BadParams where it is none."""
    if not _KEY.fullmatch(key) or key in RESERVED:
        raise BadParams(f"{key!r} is no key", hint="1 to 63 of A-Z a-z 0-9 . _ / -, as role or fact.os")
    return key


def valid_address(address: str) -> str:
    """A host name or an IP address, perhaps with a port; raises BadParams where it cannot be one."""
    if not _ADDRESS.fullmatch(address):
        raise BadParams(f"{address!r} is no address", hint="give a host name or an IP address, as 10.0.1.10")
    return address


def is_bare(text: str) -> bool:
    """Whether the text can be a label's value; such a text needs no quotes in a target expression."""
    return bool(_VALUE.fullmatch(text))


def split(written: Iterable[str]) -> list[str]:
    """What was given one by one or with commas, one by one and stripped."""
    return [part.strip() for text in written for part in text.split(",")]
