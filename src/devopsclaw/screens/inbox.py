"""The inbox: the requests that wait for somebody's yes, read one at a time, answered here and nowhere else.

What counts as an answer is `Confirmation`'s to say. A key that did not reach the question answers nothing.
"""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Label

from devopsclaw.model.approval import Approval, Standing
from devopsclaw.model.errors import ClawError
from devopsclaw.screens.base import Frame, NodesWanted, RunWanted
from devopsclaw.screens.desk import Desk
from devopsclaw.screens.requests import ending, number
from devopsclaw.widgets.confirmation import Ask
from devopsclaw.widgets.field import Field
from devopsclaw.widgets.prompt import Prompt
from devopsclaw.widgets.request_list import RequestList
from devopsclaw.widgets.request_view import RequestView
from devopsclaw.widgets.request_words import subject
from devopsclaw.widgets.rule import Rule
from devopsclaw.widgets.words import clock, left

PASSING = ("j", "k", "left", "right", "escape", "question_mark")
"""Keys that go on to the screen while no answer is begun; each begins the quiet time anew."""

OTHERS = ("e", "minus")
EDITABLE = "fleet.exec"
"""What the run form can ask for anew."""


class Inbox(Frame):
    """The list above, the one that is read below it, its question at the end."""

    CSS_PATH = "inbox.tcss"
    AUTO_FOCUS = ""
    """A question takes the focus when it is put; with none, the keys are the screen's."""
    docks = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('allow')", "allow", id="approval.allow", tooltip="approvals.allow"),
        Binding("n", "answer('deny')", "deny", id="approval.deny", tooltip="approvals.deny"),
        Binding("e", "answer('edit')", "edit", id="approval.edit", tooltip="fleet.exec"),
        Binding("minus", "answer('drop')", "drop node", id="approval.drop", tooltip="fleet.exec"),
        Binding("right", "step(1)", "next node", id="approval.node"),
        Binding("left", "step(-1)", "previous node", id="approval.node_back", show=False),
        Binding("j", "turn(1)", "next request", id="approval.next"),
        Binding("k", "turn(-1)", "previous request", id="approval.previous", show=False),
        Binding("down,pagedown", "page(1)", "scroll", id="approval.page", show=False),
        Binding("up,pageup", "page(-1)", "scroll back", id="approval.page_back", show=False),
        Binding("escape", "back", "back", id="approval.back"),
    ]

    def __init__(self, desk: Desk, mode: str = "fleet") -> None:
        super().__init__(desk)
        self.mode = mode
        self._request: Approval | None = None
        self._node = -1

    def body(self) -> ComposeResult:
        """List, request, question, and the line for a reason."""
        yield Rule(self.desk.glyphs, "APPROVALS")
        yield RequestList(self.desk.glyphs)
        yield Rule(self.desk.glyphs, id="rule")
        yield RequestView(self.desk.wall)
        yield Prompt(self.desk.steady)
        with Vertical(id="reason"):
            yield Label("denied; why? Enter sends the reason, Esc denies without one", markup=False)
            yield Field(placeholder="whoever asked is told")

    def on_mount(self) -> None:
        """Begin with the oldest, as there is no other reason to choose one."""
        super().on_mount()
        waiting = self.desk.situation.requests.waiting
        self._read(waiting[0] if waiting else None)

    def on_screen_resume(self) -> None:
        """Back from elsewhere: the quiet time begins anew."""
        super().on_screen_resume()
        if self.query_one(Prompt).is_asking:
            self._ask()

    @property
    def is_giving_reason(self) -> bool:
        """Whether the request is denied and the line for the reason is open."""
        return self.query_one("#reason").has_class("-open")

    def state_word(self) -> str:
        """ANSWER while a question is open."""
        if self.is_giving_reason:
            return "REASON"
        return "ANSWER" if self.query_one(Prompt).is_asking else "NORMAL"

    def settle(self) -> None:
        """Things happened: the one that is read stays, also when it is over."""
        super().settle()
        if not self.is_mounted or not self.is_attached:
            return
        asked = self._request
        if asked is not None:
            self._request = asked = self.desk.situation.requests.find(asked.id) or asked
            if not self._is_open(asked):
                self._close()
        self.query_one(RequestList).show(self.desk.situation.requests.waiting, asked.id if asked else "")
        self._show(asked)

    def action_answer(self, way: str) -> None:
        """A key that did not reach the question: back to it, where it would have counted."""
        if self.query_one(Prompt).is_asking:
            self._ask()
        elif self.desk.situation.requests.waiting:
            self.say("nothing is asked here: j reads the next request", "warn")

    def action_step(self, by: int) -> None:
        """The next or previous node, for `-`."""
        if self._request is not None and self._request.plan.nodes:
            count = len(self._request.plan.nodes)
            self._node = (self._node + by) % count if self._node >= 0 else (0 if by > 0 else count - 1)
            self.settle()

    def action_turn(self, by: int) -> None:
        """The next or previous request."""
        waiting = self.desk.situation.requests.waiting
        here = number(self._request.id) if self._request else 0
        after = [each for each in waiting if number(each.id) > here]
        before = [each for each in waiting if number(each.id) < here]
        if wanted := after[:1] if by > 0 else before[-1:]:
            self._read(wanted[0])

    def action_page(self, by: int) -> None:
        """Scroll what is read."""
        self.query_one(RequestView).page(by)

    def action_back(self) -> None:
        """Back to where one was; a denial goes out without a reason."""
        if self.is_giving_reason:
            self._deny("")
        else:
            self.dismiss()

    def _read(self, request: Approval | None) -> None:
        """Show this one from its beginning, and put its question."""
        self._request, self._node = request, -1
        self._close()
        self.settle()
        self._ask()

    def _ask(self) -> None:
        """Put the question of what is read, unless it is over."""
        asked = self._request
        if asked is None or not self._is_open(asked):
            self._close()
            return
        is_mine = asked.needs_other and asked.uid == self.desk.uid
        way = Ask.REFUSAL if is_mine else Ask.SPELLED if asked.phrase else Ask.DIGIT
        self.query_one(Prompt).ask(
            f"{asked.id} {'YOU ASKED FOR THIS' if is_mine else 'ALLOW'}: {subject(asked)}",
            way,
            digit=self.desk.digit(),
            phrase=asked.phrase,
            seen=False,
            others=OTHERS,
            passing=PASSING,
            returned=self.desk.returned_at,
        )
        self.query_one(RequestView).look()
        self.settle()

    def _is_open(self, asked: Approval) -> bool:
        return asked.status is Standing.WAITING and self.desk.wall() < asked.expires_at

    def _close(self) -> None:
        """No question, no reason: what was begun is not an answer any more."""
        self.query_one(Prompt).close()
        if self.is_giving_reason:
            self.query_one("#reason").remove_class("-open")
            self.query_one(Field).value = ""
        if self.focused is not None:
            self.set_focus(None)

    def _show(self, asked: Approval | None) -> None:
        self.query_one(RequestView).show(asked, self._node)
        title, right = "", ""
        if asked is not None:
            title, right = f"{asked.id}  {asked.risk.upper()}", f"expires {clock(asked.expires_at)}"
            remaining = asked.expires_at - self.desk.wall()
            if asked.status is not Standing.WAITING:
                title, right = ending(asked), "j next   Esc back"
            elif remaining <= 0:
                title, right = f"{asked.id} expired", "j next   Esc back"
            else:
                right = f"{right} ({left(remaining)})"
        self.query_one("#rule", Rule).show(title, right)

    @on(RequestView.ReadFacts)
    def _facts_were_read(self, event: RequestView.ReadFacts) -> None:
        if self._request is not None and event.request == self._request.id:
            self.query_one(Prompt).see_all()

    @on(Prompt.Turned)
    def _other_keys_act(self) -> None:
        self.settle()

    @on(Prompt.Scrolled)
    def _scroll(self, event: Prompt.Scrolled) -> None:
        self.query_one(RequestView).page(event.pages)

    @on(Prompt.Answered)
    def _answered(self, event: Prompt.Answered) -> None:
        if self._request is None:
            return
        if event.yes:
            self._send("allow", self._request, {"phrase": event.typed if self._request.phrase else ""})
            return
        self.query_one("#reason").add_class("-open")
        self.query_one(Field).focus()
        self.settle()

    @on(Field.Submitted)
    def _reason_given(self, event: Field.Submitted) -> None:
        self._deny(event.value.strip())

    def _deny(self, reason: str) -> None:
        asked = self._request
        self._close()
        if asked is not None:
            self._send("deny", asked, {"reason": reason})

    @on(Prompt.Chosen)
    def _chosen(self, event: Prompt.Chosen) -> None:
        """Edit, or leave a node out: a new request of this person, and the end of the old one."""
        asked = self._request
        if asked is None:
            return
        names = list(asked.plan.nodes)
        if event.key == "minus" and (self._node < 0 or len(names) < 2):
            self._put_again("Right and Left choose the node that - leaves out; one has to stay")
        elif asked.plan.operation != EDITABLE:
            self._put_again(f"{asked.plan.operation} cannot be changed here; n denies it")
        elif event.key == "minus":
            del names[self._node]
            form = RunWanted(" or ".join(names), asked.plan.run)
            self._send("deny", asked, {"reason": "narrowed"}, form)
        else:
            form = RunWanted(asked.plan.target, asked.plan.run)
            self._send("deny", asked, {"reason": "edited"}, form)

    def _put_again(self, why: str) -> None:
        self.say(why, "warn")
        self._ask()

    @work(group="answer")
    async def _send(
        self, way: str, asked: Approval, params: dict[str, Any], after: RunWanted | None = None
    ) -> None:
        """Answer exactly what was read. Where it was too late for that, say so and look again."""
        try:
            await self.ask(f"approvals.{way}", {"id": asked.id, "digest": asked.digest, **params})
        except ClawError as error:
            self.say_error(error)
            self.post_message(NodesWanted())
            self._ask()
            return
        if after is not None:
            self.post_message(after)
