"""The way from a command to a core: the one that runs, else one of its own. Two commands that find none race
for the lock of the home; who loses asks the winner.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from devopsclaw.cli.line import Line, NoCore
from devopsclaw.cli.signals import Signals, Told
from devopsclaw.core.paths import Home
from devopsclaw.model.errors import Busy

if TYPE_CHECKING:
    from devopsclaw.cli.own_core import OwnCore

PATIENCE = 10.0
"""Seconds to reach a core that holds the lock and does not answer yet: design §3 says two; on a machine that
starts many commands at once a core takes longer to open.
"""

RETRY = 0.02
"""Seconds between two tries."""

Opener = Callable[..., AbstractAsyncContextManager[Any]]
"""`boot.open`, or what stands for it."""


@contextmanager
def reached(
    home: Home, opener: Opener, version: str, signals: Signals, flags: Mapping[str, str]
) -> Iterator[Line]:
    """A line to a core until the block ends. Raises what opening one raises; Busy where a core holds this
    home and does not answer.
    """
    until = time.monotonic() + PATIENCE
    own: OwnCore | None = None
    with ExitStack() as stack:
        while True:
            try:
                line = Line.connect(home, version, signals)
                break
            except NoCore:
                if own is not None:
                    raise  # it ended as soon as it was open; its `end` says why
            own = _opened(partial(opener, home, face="cli", flags=flags), signals, until)
            if own is not None:
                stack.callback(own.end)
        stack.callback(line.close)
        yield line


def _opened(
    opening: Callable[[], AbstractAsyncContextManager[Any]], signals: Signals, until: float
) -> OwnCore | None:
    """A core of our own; None where another process was faster, after a moment."""
    from devopsclaw.cli.own_core import OwnCore  # a command that finds a core pays for none

    own = OwnCore(opening)
    try:
        own.start(signals)
    except Busy:
        if time.monotonic() > until:
            raise
        time.sleep(RETRY)
        return None
    except Told:
        own.end()
        raise
    return own
