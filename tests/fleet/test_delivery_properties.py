"""Whatever happens to frames on their way: the same streams, the same states."""

from __future__ import annotations

import hashlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fleet.delivery_driver import FIRST, NOW, Speaker, at, frames, running, sent

from devopsclaw.fleet.delivery import Delivery
from devopsclaw.fleet.effects import Effect, Ended, Keep, Moved, Record
from devopsclaw.wire.frames import Frame, FrameType

CONTENT = bytes(range(256)) * 4
chunk_sizes = st.lists(st.integers(1, 300), min_size=1, max_size=12)
fates = st.lists(st.sampled_from(["deliver", "drop", "repeat", "overtake"]), min_size=1, max_size=60)


class Node:
    """Sends its output in chunks, and again from wherever it is asked to, as the node machine does."""

    def __init__(self, sizes: list[int]) -> None:
        self.speaker = Speaker()
        self._sizes = sizes

    def output_from(self, offset: int) -> list[Frame]:
        """The frames from this offset to the end, and the end itself."""
        found = []
        for size in self._sizes * (len(CONTENT) // min(self._sizes) + 1):
            if offset >= len(CONTENT):
                break
            found.append(self.speaker.output(offset, CONTENT[offset : offset + size]))
            offset += size
        return [*found, self.speaker.done(CONTENT)]

    def answer(self, effects: list[Effect]) -> list[Frame]:
        """What follows from what the controller said."""
        asked = [frame for frame in frames(effects) if frame.type is FrameType.RECONCILE]
        answers = []
        for question in asked:
            standing = {"serial": question.header["serial"], "incarnation": 0.0}
            known = [{"command": FIRST, "state": "finished"}]
            answers.append(self.speaker.say(FrameType.STANDING, commands=known, **standing))
            answers += self.output_from(question.header["commands"][0]["stdout"])
        return answers


@settings(deadline=None, max_examples=150)
@given(sizes=chunk_sizes, luck=fates)
def test_output_is_the_same_byte_by_byte_whatever_happens_to_its_frames(
    sizes: list[int], luck: list[str]
) -> None:
    node = Node(sizes)
    delivery = running(node.speaker)
    kept = bytearray()
    ended: list[Ended] = []
    waiting = node.output_from(0)
    clock = 0.0
    while not ended:
        clock += 1.0
        effects = delivery.on_tick(at(clock)) if not waiting else []
        if waiting:
            for frame in next_frames(waiting, luck):
                effects += delivery.on_frame(frame, at(clock))
        for effect in effects:
            if isinstance(effect, Keep):
                assert effect.offset == len(kept)
                kept += effect.data
        ended += [effect for effect in effects if isinstance(effect, Ended)]
        waiting += node.answer(effects) if not ended else []

    assert bytes(kept) == CONTENT
    assert ended[0].state == "ok"


def next_frames(waiting: list[Frame], luck: list[str]) -> list[Frame]:
    """What arrives next; once luck is used up everything arrives as it was sent."""
    match luck.pop() if luck else "deliver":
        case "drop":
            waiting.pop(0)
            return []
        case "repeat":
            frame = waiting.pop(0)
            return [frame, frame]
        case "overtake" if len(waiting) > 1:
            return [waiting.pop(1)]
        case _:
            return [waiting.pop(0)]


words = st.sampled_from(["accept", "output", "more", "gap", "reject", "done", "failed", "started"])


def frame_of(word: str, speaker: Speaker) -> Frame:
    """The next frame of this kind."""
    digest = hashlib.sha256(b"hello").hexdigest()
    match word:
        case "accept":
            return speaker.accept()
        case "output":
            return speaker.output(0, b"hello")
        case "more":
            return speaker.output(3, b"lo, you")
        case "gap":
            return speaker.gap(5, 9)
        case "reject":
            return speaker.reject("expired")
        case "done":
            return speaker.done(b"hello")
        case "failed":
            return speaker.done(status="failed", exit_code=1, stdout_length=9, stdout_sha256=digest)
        case _:
            return speaker.say(FrameType.STARTED, command=FIRST, pid=1, at=1.0)


def facts(effects: list[Effect]) -> list[Any]:
    """What is kept, recorded and shown; not what is asked of the node."""
    return [effect for effect in effects if isinstance(effect, Keep | Record | Moved | Ended)]


@settings(deadline=None, max_examples=150)
@given(said=st.lists(words, max_size=8), again=st.lists(st.integers(0, 7), max_size=20))
def test_frames_that_come_again_change_nothing(said: list[str], again: list[int]) -> None:
    speaker = Speaker()
    sequence = [frame_of(word, speaker) for word in said]
    once, often = sent(), sent()

    expected = [fact for frame in sequence for fact in facts(once.on_frame(frame, NOW))]
    found: list[Any] = []
    for index, frame in enumerate(sequence):
        found += facts(often.on_frame(frame, NOW))
        for earlier in again:
            if earlier <= index:
                assert often.on_frame(sequence[earlier], NOW) == []

    assert found == expected
    assert state_of(often) == state_of(once)


def state_of(delivery: Delivery) -> object:
    """Everything it would ask in a new session: which commands are open, and their offsets."""
    asked = frames(delivery.on_presence("n_web1", True, 9, at(1)))
    return [(frame.type, frame.header["commands"]) for frame in asked]
