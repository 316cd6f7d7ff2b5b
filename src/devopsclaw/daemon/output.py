"""The cursor over one spill file: what may be read next, and which gap must be told first. No bytes here."""

from __future__ import annotations

from dataclasses import dataclass, field

from devopsclaw.model.headers import CREDIT_WINDOW, Stream
from devopsclaw.wire.frames import MAX_BODY


@dataclass(slots=True)
class Cursor:
    """Offsets in bytes of the whole stream, gaps included.

    `sent`: where the next byte to send stands. `length`: up to where the stream is known and will not
    change any more, unless the command throws it away. `limit`: up to where the controller will take it.
    `lost`: what is in front of this offset was thrown away, though it may have been sent.
    """

    stream: Stream
    sent: int = 0
    length: int = 0
    limit: int = CREDIT_WINDOW
    lost: int = 0
    is_lost_told: bool = True
    is_reading: bool = False
    gaps: list[tuple[int, int]] = field(default_factory=list)

    def grow(self, length: int) -> None:
        """The spill file is known to be this long."""
        self.length = max(self.length, length)

    def grant(self, limit: int) -> None:
        """The controller takes bytes up to this offset; a grant is never taken back."""
        self.limit = max(self.limit, limit)

    def rewind(self, offset: int) -> None:
        """Go on where the controller's durable bytes end; whatever was under way is sent again.

        Who holds bytes behind the loss was told of it before them.
        """
        self.sent = offset
        self.is_lost_told = self.lost == 0 or offset > self.lost
        self.grant(offset + CREDIT_WINDOW)

    def skip(self, start: int, end: int) -> None:
        """These bytes were not kept; a gap that touches the last one grows it.

        One at the very beginning takes back what was sent of it.
        """
        self.length = max(self.length, end)
        if start == 0:
            self._lose(end)
            return
        if self.gaps and self.gaps[-1][0] <= start <= self.gaps[-1][1]:
            start, last = self.gaps.pop()
            end = max(end, last)
        self.gaps.append((start, end))

    def _lose(self, end: int) -> None:
        if end > self.lost:
            self.lost, self.is_lost_told = end, False

    def lose_rest(self) -> None:
        """The spill file ends before the length it was known to have: what is missing is a gap."""
        if self.sent < self.length:
            self.skip(self.sent, self.length)

    def pass_gaps(self) -> list[tuple[int, int]]:
        """Step over the gaps at the cursor; each is returned once, to be told to the controller.

        The loss of the beginning is told wherever the cursor stands, whole, and before anything behind it.
        """
        passed = []
        if not self.is_lost_told:
            passed.append((0, self.lost))
            self.sent, self.is_lost_told = max(self.sent, self.lost), True
        for start, end in sorted(self.gaps):
            if start <= self.sent < end:
                passed.append((self.sent, end))
                self.sent = end
        return passed

    def readable(self) -> int:
        """How many bytes to read at `sent`: none while a read is out, and never past credit or gap."""
        if self.is_reading:
            return 0
        ends = [start for start, _ in self.gaps if start > self.sent]
        return max(0, min(self.length, self.limit, self.sent + MAX_BODY, *ends) - self.sent)

    def took(self, offset: int, size: int) -> bool:
        """A read came back with `size` bytes at `offset`; False where the cursor has moved meanwhile."""
        self.is_reading = False
        if offset != self.sent:
            return False
        self.sent += size
        return True
