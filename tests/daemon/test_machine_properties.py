"""Whatever is said to a node again: it starts once, and says the same."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.daemon.node_driver import (
    FIRST,
    NOW,
    at,
    cancel,
    machine,
    offer,
    reconcile,
    rows_of,
    running,
    sent,
    word,
)

from devopsclaw.daemon.effects import Effect, Outcome, Read, Record, Start
from devopsclaw.daemon.machine import NodeMachine
from devopsclaw.model.headers import CREDIT_WINDOW
from devopsclaw.wire.frames import FrameType

steps = st.sampled_from(
    ["offer", "cancel", "reconcile", "done_ack", "started", "finished", "unlink", "link", "tick", "restart"]
)


def step(node: NodeMachine, name: str) -> list[Effect]:
    """One thing that happens to a node."""
    match name:
        case "offer":
            return node.on_frame(offer(), NOW)
        case "cancel":
            return node.on_frame(cancel(), NOW)
        case "reconcile":
            return node.on_frame(reconcile((FIRST, 0, 0)), NOW)
        case "done_ack":
            return node.on_frame(word(FrameType.DONE_ACK), NOW)
        case "started":
            return node.on_started(FIRST, 42, 1.5, NOW)
        case "finished":
            return node.on_finished(FIRST, Outcome(exit_code=0), NOW)
        case "unlink":
            return node.on_unlink(NOW)
        case "link":
            return node.on_link(2, NOW)
        case _:
            return node.on_tick(at(30))


@settings(deadline=None, max_examples=300)
@given(story=st.lists(steps, max_size=25))
def test_a_command_starts_at_most_once_and_its_journal_never_goes_back(story: list[str]) -> None:
    order = ["accepted", "starting", "running", "finished", "acked"]
    node = machine()
    done: list[Effect] = []
    for name in story:
        if name == "restart":
            node = machine(epoch=0)
            done += node.restore(rows_of(done), NOW)
            done += node.on_link(3, NOW)
        else:
            done += step(node, name)

    states = [order.index(effect.state) for effect in done if isinstance(effect, Record)]
    assert sum(isinstance(effect, Start) for effect in done) <= 1
    assert states == sorted(states)


@settings(deadline=None, max_examples=300)
@given(story=st.lists(steps, max_size=15), cut=st.integers(0, 40))
def test_a_crash_after_any_record_never_leads_to_a_second_start(story: list[str], cut: int) -> None:
    """The journal is cut after some record; what was done before that cut had happened."""
    node = machine()
    done = [effect for name in story if name != "restart" for effect in step(node, name)]
    records = [index for index, effect in enumerate(done) if isinstance(effect, Record)]
    survived = done[: records[cut % len(records)] + 1] if records else []

    again = machine(epoch=0)
    restarted = again.restore(rows_of(survived), NOW)
    restarted += again.on_link(3, NOW)
    for name in story:
        if name != "restart":
            restarted += step(again, name)

    assert sum(isinstance(effect, Start) for effect in survived + restarted) <= 1


@settings(deadline=None, max_examples=150)
@given(
    printed=st.lists(st.integers(0, 3 * CREDIT_WINDOW), min_size=1, max_size=10),
    rewinds=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1000)), max_size=5),
)
def test_reads_are_in_order_one_at_a_time_and_within_credit(
    printed: list[int], rewinds: list[tuple[int, int]]
) -> None:
    node = running()
    at_most, position = CREDIT_WINDOW, 0
    for turn, length in enumerate(printed):
        effects = node.on_printed(FIRST, "stdout", length, NOW)
        for when, offset in rewinds:
            if when == turn:
                effects += node.on_frame(reconcile((FIRST, offset, 0)), NOW)
                at_most, position = max(at_most, offset + CREDIT_WINDOW), offset
        reads = [effect for effect in effects if isinstance(effect, Read)]
        assert len(reads) <= 1
        while reads:
            read = reads[0]
            assert read.offset + read.limit <= min(at_most, max(printed[: turn + 1]))
            effects = node.on_chunk(FIRST, "stdout", read.offset, b"x" * read.limit, NOW)
            for frame in sent(effects):
                assert frame.header["offset"] == position
                position += len(frame.body)
            reads = [effect for effect in effects if isinstance(effect, Read)]
