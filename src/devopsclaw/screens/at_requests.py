"""The half of the console that hears of requests for a yes: rings once, says how each ended, counts down.

Not how they are read and answered: that is `inbox`.
"""

from __future__ import annotations

from devopsclaw.core.door import Door
from devopsclaw.screens.at_core import AtCore
from devopsclaw.screens.requests import ending
from devopsclaw.widgets.words import until_another


class AtRequests(AtCore, inherit_bindings=False):
    """A request takes no focus and no key: it is docked by each frame, and rings."""

    _is_counting = False

    def on_app_focus(self) -> None:
        """The terminal came to the front: keys meant for another window may still arrive."""
        self.desk.returned_at = self.desk.steady()

    def tell_requests(self) -> None:
        """Ring for what arrived, and say how the others ended."""
        arrived, ended = self.desk.situation.requests.news()
        if arrived:
            self.bell()
        if ended:
            said = "; ".join(ending(each) for each in ended)
            self.front(lambda frame: frame.say(said))
        self._count_down()

    async def _list_once(self, door: Door) -> None:
        """The requests too: some may have been asked for, or answered, while nobody here could hear."""
        await super()._list_once(door)
        requests = self.desk.situation.requests
        listed = await door.run("approvals.list", {})
        for identifier in requests.unsure(item.id for item in listed.items):
            shown = await door.run("approvals.show", {"id": identifier})
            requests.take(shown.request)
        self.tell_requests()
        self.front(lambda frame: frame.settle())

    def _count_down(self) -> None:
        """Look again when some remaining time is shown otherwise; with nothing waiting no timer runs."""
        waiting = self.desk.situation.requests.waiting
        if self._is_counting or not waiting:
            return
        self._is_counting = True
        now = self.desk.wall()
        self.set_timer(min(until_another(each.expires_at - now) for each in waiting), self._counted)

    def _counted(self) -> None:
        self._is_counting = False
        self.front(lambda frame: frame.settle())
        self._count_down()
