"""What is said through the socket of a core, as JSON and back. Not how it travels: door_server, door_socket.

One message is one line of JSON. The client opens with `{"hello": …}` and is answered `{"welcome": …}`; then
each request carries an `id`, and so does all that answers it:

    {"id": 1, "run": {"name", "params", "consent", "dry_run", "call"}}
      → {"id": 1, "result": {…}, "text": "…", "exit": 0} | {"id": 1, "plan": {…}} | {"id": 1, "error": {…}}
    {"id": 2, "listen": {"kinds", "calls", "runs"}}    → {"id": 2, "events": [{"event": "NodeMoved", …}, …]} …
    {"id": 2, "hush": true}        {"cancel": "CALL"}
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from devopsclaw.core.bus import Gap
from devopsclaw.model import events
from devopsclaw.model.call import Consent
from devopsclaw.model.errors import Misused
from devopsclaw.model.interest import Interest
from devopsclaw.model.plan import Plan

KINDS: dict[str, type[Any]] = {
    **{
        name: kind
        for name, kind in vars(events).items()
        if getattr(kind, "__module__", "") == events.__name__
    },
    "Gap": Gap,
}
"""Name of an event on the wire → its class."""


def line(message: dict[str, Any]) -> bytes:
    """The message as it travels; half of a surrogate pair, which UTF-8 has not, as JSON's own escape."""
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace") + b"\n"


def read(raw: bytes) -> dict[str, Any]:
    """A line as a message. Raises Misused where it is none."""
    try:
        message = json.loads(raw)
    except (ValueError, RecursionError) as wrong:
        raise Misused(f"a line at the door is no JSON: {wrong}") from wrong
    if not isinstance(message, dict):
        raise Misused("a line at the door is no JSON object")
    return message


def told(happened: Iterable[Any]) -> list[dict[str, Any]]:
    """Events as JSON objects."""
    return [
        {"event": type(each).__name__, **_adapter(type(each).__name__).dump_python(each, mode="json")}
        for each in happened
    ]


def heard(message: dict[str, Any]) -> Any:
    """One event, from its JSON object. Raises Misused for one that this version does not know."""
    name = message.get("event")
    if name not in KINDS:
        raise Misused(f"the core tells of {name!r}, which this version does not know")
    return _adapter(name).validate_json(json.dumps({key: message[key] for key in message if key != "event"}))


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan with its digest."""
    return {**plan.model_dump(mode="json"), "digest": plan.digest}


def plan_of(body: dict[str, Any]) -> Plan:
    """The plan behind `plan_json`."""
    return Plan.model_validate({key: body[key] for key in body if key != "digest"})


def consent_json(consent: Consent | None) -> dict[str, str] | None:
    """A yes, or none."""
    return None if consent is None else {"phrase": consent.phrase, "digest": consent.digest}


def consent_of(body: Any) -> Consent | None:
    """See `consent_json`. Raises Misused."""
    return None if body is None else _made(Consent, body)


def interest_json(interest: Interest) -> dict[str, list[str]]:
    """Which events are wanted."""
    return {name: sorted(getattr(interest, name)) for name in ("kinds", "calls", "runs")}


def interest_of(body: Any) -> Interest:
    """See `interest_json`. Raises Misused."""
    interest: Interest = _made(Interest, body)
    return interest


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(KINDS[name])


def _made(kind: type[Any], body: Any) -> Any:
    try:
        return TypeAdapter(kind).validate_python(body)
    except ValidationError as wrong:
        raise Misused(f"a request at the door has a wrong {kind.__name__.lower()}") from wrong
