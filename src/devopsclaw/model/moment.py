"""One reading of both hands of time, handed to the machines that may not look at a clock themselves."""

from __future__ import annotations

from typing import NamedTuple


class Moment(NamedTuple):
    """`wall`: seconds since 1970, may jump; `steady`: seconds since this machine's boot, only grow.

    Time windows of signed commands are judged by `wall`, because the other side wrote them;
    everything that waits is judged by `steady`.
    """

    wall: float
    steady: float
