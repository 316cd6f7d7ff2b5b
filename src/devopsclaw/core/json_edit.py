"""Sets one value in a JSON text and leaves the rest as it was, comments included. Not what may be set."""

from __future__ import annotations

import json
from typing import Any

from devopsclaw.core.json_source import Document, Node, parse

STEP = "  "


class CannotEdit(ValueError):
    """The value cannot be set without losing something; `line` is the one to edit by hand."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why


def put(text: str, path: tuple[str, ...], value: Any) -> str:
    """The text with the value at this path, objects on the way made where they are missing.

    Raises BadJson, or CannotEdit where comments would be lost or something is no object.
    """
    document = parse(text)
    node = document.root
    for depth, key in enumerate(path):
        if not isinstance(node.value, dict):
            raise CannotEdit(node.line, f"{'.'.join(path[:depth]) or 'the whole'} is not an object")
        if key not in node.value:
            return _insert(document, node, key, _nested(path[depth + 1 :], value))
        node = node.value[key]
    return _replace(document, node, value)


def _nested(path: tuple[str, ...], value: Any) -> Any:
    return {path[0]: _nested(path[1:], value)} if path else value


def _replace(document: Document, node: Node, value: Any) -> str:
    if any(node.start <= start < node.end for start, _ in document.comments):
        raise CannotEdit(node.line, "holds comments that would be lost")
    text = document.text
    return text[: node.start] + _written(value, _indent(text, node.start), text) + text[node.end :]


def _insert(document: Document, parent: Node, key: str, value: Any) -> str:
    """Put a new member last: a comment stays with the line it stands on."""
    text, close, last = document.text, parent.end - 1, _last(parent)
    has_comma = last is not None and "," in _bare(document, last.end, close)
    pieces = [(last.end, ",")] if last and not has_comma else []
    line = text.rfind("\n", 0, close) + 1
    if line > parent.start and not text[line:close].strip():
        indent = _member_indent(text, parent, last)
        comma = "," if has_comma else ""
        entry = f"{indent}{json.dumps(key)}: {_written(value, indent, text)}{comma}{_newline(text)}"
        pieces.append((line, entry))
    else:
        space = "" if text[close - 1] in " \t" else " "
        pieces.append((close, f"{space}{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)} "))
    for offset, piece in reversed(pieces):
        text = text[:offset] + piece + text[offset:]
    return text


def _last(parent: Node) -> Node | None:
    members = list(parent.value.values()) if isinstance(parent.value, dict) else []
    return members[-1] if members else None


def _member_indent(text: str, parent: Node, last: Node | None) -> str:
    """As the members before it, where they stand on lines of their own."""
    if last and text.rfind("\n", 0, last.start) >= parent.start:
        return _indent(text, last.start)
    return _indent(text, parent.end - 1) + STEP


def _indent(text: str, offset: int) -> str:
    """The white space that begins this offset's line."""
    line = text[text.rfind("\n", 0, offset) + 1 :]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _bare(document: Document, start: int, end: int) -> str:
    """The text from start to end without its comments."""
    kept, at = "", start
    for opening, closing in document.comments:
        if start <= opening < end:
            kept += document.text[at:opening]
            at = closing
    return kept + document.text[at:end]


def _written(value: Any, indent: str, text: str) -> str:
    """On one line, but for what holds objects."""
    nests = isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict) for v in value))
    lines = json.dumps(value, indent=STEP if nests else None, ensure_ascii=False).split("\n")
    return (_newline(text) + indent).join(lines)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
