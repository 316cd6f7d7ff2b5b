"""A channel may be a pipe in memory as well as a link to a relay."""

from __future__ import annotations

import pytest

from devopsclaw.core.pipe import PipeEnd, pipe
from devopsclaw.wire.channel import Channel, Closed
from devopsclaw.wire.enroll import Welcome
from devopsclaw.wire.frames import Frame, FrameType

WELCOME = Welcome(epoch=1, uid="n_a", server_time=1.0)


async def test_a_pipe_of_frames_is_a_channel() -> None:
    ends: tuple[PipeEnd[Frame, Welcome], PipeEnd[Frame, Welcome]] = pipe(WELCOME, WELCOME, Closed)
    core: Channel = ends[0]
    node: Channel = ends[1]
    offer = Frame(FrameType.OFFER, {"node": "n_a"}, b"envelope")

    await core.send(offer)

    assert await node.receive() is offer
    assert node.welcome.epoch == 1
    await core.close()
    with pytest.raises(Closed, match="the pipe is closed"):
        await node.receive()


def test_the_end_says_why_and_whether_to_come_back() -> None:
    asked = Closed("the relay restarts", retry=2.5)
    final = Closed("this node was removed", is_final=True)

    assert (asked.reason, asked.retry, asked.is_final) == ("the relay restarts", 2.5, False)
    assert (str(final), final.retry, final.is_final) == ("this node was removed", None, True)
