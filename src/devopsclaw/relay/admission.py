"""Who is let in, under which name: the rules, for somebody who has proven to own a key. No I/O here."""

from __future__ import annotations

from devopsclaw.relay.identities import Identities
from devopsclaw.relay.tokens import UNKNOWN
from devopsclaw.wire.enroll import Auth, Refusal
from devopsclaw.wire.session import Proved
from devopsclaw.wire.uid import uid_of

WRONG_TOKEN = Refusal(
    code="wrong_token",
    message="this relay does not know this machine's key, and the token does not fit",
    hint="start the daemon with the token the relay was started with: --token-file FILE",
)
CLAIM_NEEDED = Refusal(
    code="claim_needed",
    message="this relay is unclaimed, and the fleet token alone does not make a controller",
    hint="use the claim code that `relay start` printed: devopsclaw relay connect URL --claim CODE",
)
CLAIMED = Refusal(
    code="claimed",
    message="this relay belongs to another controller",
    hint="work from the home that claimed it, or bring its key here: devopsclaw keys import FILE",
)
WRONG_CLAIM = Refusal(
    code="wrong_claim",
    message="the claim code does not fit",
    hint="a relay makes a new one at each start while it is unclaimed; use the one it printed last",
)
NAME_TAKEN = "name_taken"
"""Raises an alarm: a key asked for another's name."""


def node_refusal(known: Identities, proved: Proved, now: float) -> Refusal | None:
    """Why this node may not have a session, at this wall time; None: it may.

    A known key needs nothing but its signature; an unknown one needs a token. A name stays with its key.
    """
    hello = proved.hello
    same_key = known.nodes.get(uid_of(bytes.fromhex(hello.public_key)))
    if same_key is not None:
        return _known_refusal(same_key.name, same_key.quarantine, hello.name)
    wrong = _join_refusal(known, proved, now) if hello.auth is Auth.JOIN else _token_refusal(proved)
    if wrong is not None:
        return wrong
    if known.named(hello.name) is not None:
        return Refusal(
            code=NAME_TAKEN,
            message=f"the name {hello.name} belongs to another key",
            hint=f"choose another --node-id, or free the name first: devopsclaw node remove {hello.name}",
        )
    return None


def _token_refusal(proved: Proved) -> Refusal | None:
    return None if proved.knows_secret and proved.hello.auth is Auth.TOKEN else WRONG_TOKEN


def _join_refusal(known: Identities, proved: Proved, now: float) -> Refusal | None:
    """Only who has proven to hold the token is told what is wrong with it."""
    token = known.tokens.get(proved.hello.join)
    if token is None or not proved.knows_secret:
        return UNKNOWN
    fault = token.fault(proved.hello.name, now)
    return token.refusal(fault, proved.hello.name) if fault else None


def controller_refusal(known: Identities, proved: Proved, *, is_local: bool) -> Refusal | None:
    """Why this controller may not have a session; None: it may, and claims the relay if nobody has.

    An unclaimed relay takes who knows the claim code, and who comes from this very machine.
    """
    hello = proved.hello
    if known.root:
        return None if hello.public_key == known.root else CLAIMED
    if hello.auth is Auth.CLAIM:
        return None if proved.knows_secret else WRONG_CLAIM
    return None if is_local else CLAIM_NEEDED


def _known_refusal(bound: str, quarantine: str, asked: str) -> Refusal | None:
    if quarantine:
        return Refusal(
            code="quarantined",
            message=quarantine,
            hint=f"stop the wrong one of the two machines; then: devopsclaw node release {bound}",
        )
    if asked != bound:
        return Refusal(
            code="name_bound",
            message=f"this machine's key joined as {bound}; it cannot become {asked}",
            hint=f"start it with --node-id {bound}, or free the key first: devopsclaw node remove {bound}",
        )
    return None
