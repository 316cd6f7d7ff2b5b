"""The handshake, both machines joined by hand: who is believed, and what each kind of lie runs into."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.wire.enroll import Auth, Refusal, Welcome
from devopsclaw.wire.frames import BadFrame, Frame, FrameType
from devopsclaw.wire.session import (
    ClientSession,
    Credentials,
    Proved,
    Refused,
    RelaySession,
    Secrets,
    Step,
    Welcomed,
)
from devopsclaw.wire.table import Role, Stage
from devopsclaw.wire.uid import uid_of

TOKEN = "a-fleet-token-of-good-length"
SPKI, OTHER_SPKI = b"s" * 32, b"m" * 32


def key(seed: str) -> Ed25519PrivateKey:
    """The same key for the same word."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())


def public(seed: str) -> str:
    """Its public half, hex."""
    return key(seed).public_key().public_bytes_raw().hex()


NODE = Credentials(Role.NODE, "web-1", key("node"), TOKEN, Auth.TOKEN)
WELCOME = Welcome(epoch=7, uid=uid_of(bytes.fromhex(public("node"))), server_time=1.0, root=public("root"))


def relay(
    *, token: str = TOKEN, claim: str = "", spki: bytes = SPKI, seed: str = "relay", nonce: int = 1
) -> RelaySession:
    """A relay's session with fixed randomness."""
    return RelaySession(key(seed), Secrets(token, claim), spki, bytes([nonce]) * 32)


def client(credentials: Credentials = NODE, spki: bytes = SPKI, nonce: int = 2) -> ClientSession:
    """A client's session with fixed randomness."""
    return ClientSession(credentials, spki, bytes([nonce]) * 32)


def converse(one: ClientSession, other: RelaySession) -> tuple[Step, Step]:
    """Let them talk until one has a verdict; the last step of client and relay."""
    at_relay = other.receive(one.open())
    at_client = one.receive(at_relay.frames[0])
    if at_client.verdict is None:
        at_relay = other.receive(at_client.frames[0])
    return at_client, at_relay


def refusal(step: Step) -> Refusal:
    """The refusal this step ended in."""
    assert isinstance(step.verdict, Refused)
    return step.verdict.refusal


def proved(step: Step) -> Proved:
    """The proof this step ended in."""
    assert isinstance(step.verdict, Proved)
    return step.verdict


def test_two_sides_with_one_token_end_in_an_open_session() -> None:
    one, other = client(), relay()

    _, at_relay = converse(one, other)
    end = one.receive(other.welcome(WELCOME))

    assert proved(at_relay).knows_secret
    assert end.verdict == Welcomed(WELCOME, public("relay"))
    assert one.stage is other.stage is Stage.OPEN


def test_the_token_is_in_no_frame_and_in_no_repr() -> None:
    one, other = client(), relay()
    hello = one.open()
    challenge = other.receive(hello).frames[0]
    proof = one.receive(challenge).frames[0]

    assert TOKEN not in repr((hello, challenge, proof, NODE, Secrets(TOKEN, TOKEN)))


def test_a_relay_that_does_not_know_the_token_gets_no_proof() -> None:
    step, _ = converse(client(), relay(token="another token"))

    assert refusal(step).message == (
        "the relay could not prove it knows the token: wrong token, or somebody is in between"
    )
    assert not step.frames


@pytest.mark.parametrize("token", ["", "another token"])
def test_a_node_with_a_wrong_token_is_told_apart_once_it_has_a_pin(token: str) -> None:
    mine = replace(NODE, secret=token, pin=public("relay"))

    _, at_relay = converse(client(mine), relay())

    assert not proved(at_relay).knows_secret


def test_somebody_in_between_with_a_certificate_of_his_own_is_found_out_by_the_client() -> None:
    step, _ = converse(client(spki=OTHER_SPKI), relay(spki=SPKI))

    assert refusal(step).code == "relay_unproven"
    assert not step.frames


def test_somebody_in_between_is_found_out_with_a_pin_too() -> None:
    pinned = replace(NODE, pin=public("relay"))

    step, _ = converse(client(pinned, spki=OTHER_SPKI), relay(spki=SPKI))

    assert refusal(step).code == "relay_unproven"


def test_somebody_in_between_who_answers_with_his_own_key_has_no_token() -> None:
    step, _ = converse(client(spki=OTHER_SPKI), relay(spki=OTHER_SPKI, seed="mallory", token=""))

    assert "somebody is in between" in refusal(step).message


def test_a_relay_with_another_key_than_the_pinned_one_is_refused_even_with_the_token() -> None:
    pinned = replace(NODE, pin=public("relay"))

    step, _ = converse(client(pinned), relay(seed="mallory"))

    assert refusal(step).code == "relay_changed"


def test_a_relay_that_claims_a_pinned_key_without_owning_it_is_refused() -> None:
    pinned = replace(NODE, pin=public("relay"))
    one = client(pinned)
    challenge = relay(seed="mallory").receive(one.open()).frames[0]

    step = one.receive(replace(challenge, header={**challenge.header, "relay_key": public("relay")}))

    assert refusal(step).code == "relay_unproven"


def test_a_recorded_proof_does_not_open_a_second_session() -> None:
    one, first = client(), relay(nonce=1)
    challenge = first.receive(one.open()).frames[0]
    recorded = one.receive(challenge).frames[0]
    second = relay(nonce=9)
    second.receive(one.open())

    step = second.receive(recorded)

    assert refusal(step).code == "bad_proof"
    assert step.frames[0].type is FrameType.REFUSED
    assert second.stage is Stage.CLOSED


def test_a_recorded_challenge_does_not_fool_a_client() -> None:
    recorded = relay().receive(client(nonce=2).open()).frames[0]

    step = client(nonce=3).receive(recorded)

    assert refusal(step).code == "relay_unproven"


def test_a_node_that_shows_a_key_it_does_not_own_is_refused() -> None:
    one, other = client(), relay()
    hello = one.open()
    stolen = replace(hello, header={**hello.header, "public_key": public("victim")})
    challenge = other.receive(stolen).frames[0]

    step = other.receive(client().receive(relay().receive(client().open()).frames[0]).frames[0])

    assert challenge.type is FrameType.CHALLENGE
    assert refusal(step).code == "bad_proof"


def test_without_token_and_pin_a_relay_is_not_believed() -> None:
    stranger = Credentials(Role.CONTROLLER, "laptop", key("laptop"))

    step, _ = converse(client(stranger), relay())

    assert refusal(step).code == "relay_unknown"


def test_on_loopback_the_first_word_of_a_relay_is_taken_if_its_signature_holds() -> None:
    local = Credentials(Role.CONTROLLER, "laptop", key("laptop"), trusts_first=True)

    _, at_relay = converse(client(local), relay())
    between, _ = converse(client(local, spki=OTHER_SPKI), relay())

    assert proved(at_relay).hello.name == "laptop"
    assert refusal(between).code == "relay_unproven"


def test_a_claim_code_proves_both_sides_as_a_token_does() -> None:
    claimer = Credentials(Role.CONTROLLER, "laptop", key("laptop"), "the-claim-code", Auth.CLAIM)

    _, at_relay = converse(client(claimer), relay(claim="the-claim-code"))
    wrong, _ = converse(client(claimer), relay(claim="another"))

    assert proved(at_relay).knows_secret
    assert "claim code" in refusal(wrong).message


def test_the_fleet_token_does_not_pass_for_a_claim_code() -> None:
    claimer = Credentials(Role.CONTROLLER, "laptop", key("laptop"), TOKEN, Auth.CLAIM, pin=public("relay"))

    _, at_relay = converse(client(claimer), relay(claim="the-claim-code"))

    assert not proved(at_relay).knows_secret


def test_two_sides_without_a_common_version_say_which_they_speak() -> None:
    other = relay()
    hello = client().open()

    step = other.receive(replace(hello, header={**hello.header, "versions": [8, 9]}))

    assert refusal(step).code == "version"
    assert "speaks protocol 1, the visitor speaks 8, 9" in refusal(step).message
    assert step.frames[0].type is FrameType.REFUSED


def test_a_relay_that_picks_a_version_nobody_offered_is_refused() -> None:
    one = client()
    challenge = relay().receive(one.open()).frames[0]

    step = one.receive(replace(challenge, header={**challenge.header, "version": 2}))

    assert refusal(step).code == "version"


def test_a_refusal_by_the_relay_reaches_the_client_as_the_relays_word() -> None:
    one, other = client(), relay()
    converse(one, other)

    step = one.receive(other.refuse(Refusal(code="name_taken", message="web-1 has another key")))

    assert isinstance(step.verdict, Refused)
    assert step.verdict.by_peer
    assert step.verdict.refusal.code == "name_taken"
    assert one.stage is Stage.CLOSED


def test_a_welcome_for_another_key_is_a_bad_frame() -> None:
    one, other = client(), relay()
    converse(one, other)

    with pytest.raises(BadFrame, match="another uid"):
        one.receive(other.welcome(WELCOME.model_copy(update={"uid": "n_other"})))


@pytest.mark.parametrize("frame_type", [each for each in FrameType if each is not FrameType.HELLO])
def test_before_hello_a_relay_takes_nothing_else(frame_type: FrameType) -> None:
    with pytest.raises(BadFrame):
        relay().receive(Frame(frame_type))


@pytest.mark.parametrize("frame_type", [FrameType.WELCOME, FrameType.OFFER, FrameType.HELLO])
def test_before_the_relays_proof_a_client_takes_no_welcome_and_no_command(frame_type: FrameType) -> None:
    with pytest.raises(BadFrame):
        client().receive(Frame(frame_type, WELCOME.model_dump(mode="json")))


def test_a_second_hello_is_refused() -> None:
    one, other = client(), relay()
    other.receive(one.open())

    with pytest.raises(BadFrame):
        other.receive(one.open())


good = [
    client().open(),
    relay().receive(client().open()).frames[0],
    client().receive(relay().receive(client().open()).frames[0]).frames[0],
    WELCOME.frame(FrameType.WELCOME),
    Refusal(code="odd", message="m").frame(FrameType.REFUSED),
]
"""One frame of each step of a good handshake."""
junk = st.none() | st.integers() | st.text(max_size=70) | st.lists(st.integers(), max_size=3)


@st.composite
def twisted(draw: st.DrawFn) -> Frame:
    """A frame of the handshake, whole or with a field replaced or missing."""
    frame = draw(st.sampled_from(good))
    field = draw(st.sampled_from([*sorted(frame.header), ""]))
    header = {**frame.header, field: draw(junk)} if field else frame.header
    return replace(frame, header=header)


@given(st.lists(twisted(), max_size=4))
@settings(deadline=None, max_examples=150)
def test_no_sequence_of_frames_breaks_a_machine_or_opens_a_session_without_proof(said: list[Frame]) -> None:
    for machine in (client(nonce=5), relay(nonce=6)):
        for frame in said:
            try:
                step = machine.receive(frame)
            except BadFrame:
                break
            assert not isinstance(step.verdict, Proved | Welcomed)
        assert machine.stage is not Stage.OPEN


def test_after_the_end_neither_side_takes_anything() -> None:
    one, other = client(), relay(token="another token")
    converse(one, other)
    other.refuse(Refusal(code="odd", message="m"))

    for machine in (one, other):
        assert machine.stage is Stage.CLOSED
        for frame in good:
            with pytest.raises(BadFrame):
                machine.receive(frame)
