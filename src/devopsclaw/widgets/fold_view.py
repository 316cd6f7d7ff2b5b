"""What nodes answered, folded: alike answers stand together, odd ones first, each opens to its output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import chop_cells
from textual.binding import Binding, BindingType

from devopsclaw.model.execution import Fold
from devopsclaw.model.state import State
from devopsclaw.model.text import one_line, safe
from devopsclaw.widgets.glyphs import UNICODE, Glyphs, state_sign
from devopsclaw.widgets.line_table import Cell, LineTable, Row
from devopsclaw.widgets.words import many

MAX_LINES = 5_000
"""Lines of one stream on screen. More is on record, not on screen: `jobs show --json` has it."""

TAB = 8

SEVERE = frozenset(
    {State.FAILED, State.KILLED, State.DENIED, State.TIMED_OUT, State.UNREACHABLE, State.UNKNOWN}
)
"""What a person on call has to look at first."""

BEGAN = frozenset({State.OK, State.FAILED, State.TIMED_OUT, State.KILLED})
"""Ends of a command that did run: it printed nothing. Of the other ends it may never have begun."""


def odd_first(folds: Sequence[Fold]) -> list[Fold]:
    """Failures and unknowns before what still runs before what is well; in each, the smallest group first."""
    return sorted(folds, key=lambda fold: (_rank(fold.status), fold.count, fold.names[:1]))


def _rank(status: State) -> int:
    if status in SEVERE:
        return 0
    if status in (State.OK, State.SKIPPED):
        return 3
    return 1 if status.is_final else 2


def name_of(fold: Fold) -> str:
    """Which group it is, so that it stays open while its output grows: its first node and its end."""
    return f"{fold.names[0]}/{fold.status}" if fold.names else str(fold.id)


def silence(fold: Fold, is_over: bool) -> str:
    """Why there is no output to show; `is_over` where the run as a whole has ended."""
    if fold.status in BEGAN:
        return "ended without output"
    if fold.status is State.UNKNOWN:
        return "no output came; how it ended is not known"
    if fold.status.is_final:
        return "no output"
    return "no output came" if is_over else "no output yet"


class FoldView(LineTable):
    """Folds of one run. A fold that is not well is open from the start, and so is a lone one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_or_close", "open, close", id="folds.toggle"),
        Binding("e", "open_or_close_all", "all", id="folds.toggle_all"),
    ]

    def __init__(self, glyphs: Glyphs = UNICODE, *, id: str = "fold-view") -> None:  # noqa: A002
        super().__init__((), glyphs, id=id)
        self.folds: list[Fold] = []
        self.is_over = False
        self._chosen: dict[str, bool] = {}

    def show(self, folds: Sequence[Fold], *, is_over: bool = False) -> None:
        """Show these folds, odd ones first; what a person opened or closed stays so.

        `is_over` says that the run has ended, so that nothing more is waited for.
        """
        self.folds, self.is_over = odd_first(folds), is_over
        self._lay_out()

    @property
    def fold(self) -> Fold | None:
        """The fold the cursor stands in."""
        if self.current is None:
            return None
        named = self.current.key.split("\n")[0]
        return next((fold for fold in self.folds if name_of(fold) == named), None)

    def on_resize(self) -> None:  # type: ignore[override]
        """Lines are wrapped to the width."""
        self._lay_out()

    def action_open_or_close(self) -> None:
        """Open or close the fold the cursor stands in; the cursor goes to its head."""
        fold = self.fold
        if fold is None:
            return
        self._chosen[name_of(fold)] = not self.is_open(fold)
        self.move_to(self.place_of(name_of(fold)))
        self._lay_out()

    def action_open_or_close_all(self) -> None:
        """Open all folds, or close all where all are open."""
        wanted = not all(self.is_open(fold) for fold in self.folds)
        self._chosen.update({name_of(fold): wanted for fold in self.folds})
        self._lay_out()

    def is_open(self, fold: Fold) -> bool:
        """Whether its output is shown."""
        is_odd = fold.status not in (State.OK, State.SKIPPED)
        return self._chosen.get(name_of(fold), is_odd or len(self.folds) == 1)

    def _lay_out(self) -> None:
        rows: list[Row] = []
        for fold in self.folds:
            rows.append(Row(name_of(fold), tuple(self._head(fold)), flowing=True))
            if self.is_open(fold):
                rows.extend(self._body(fold))
        self.replace(rows)

    def _head(self, fold: Fold) -> list[Cell]:
        sign = state_sign(fold.status, self.glyphs)
        is_open = self.is_open(fold)
        ended = "" if fold.exit_code is None else f"exit {fold.exit_code}"
        count = many(fold.count, "node")
        cells: list[Cell] = [
            (f"{self.glyphs.open if is_open else self.glyphs.folded} ", "dim"),
            (f"{sign.glyph} {sign.word:<9} ", sign.tone),
            (f"{ended:<8} {count:>9}  ", "" if sign.tone == "ok" else "strong"),
            (one_line(fold.nodes), "strong"),
        ]
        if fold.reason:
            cells.append((f"  {_one_line(fold.reason)}", sign.tone))
        if not is_open:
            cells.append((f"  {_preview(fold)}", "dim"))
        return cells

    def _body(self, fold: Fold) -> list[Row]:
        name = name_of(fold)
        rows = self._stream(f"{name}\nout", fold.stdout, "") + self._stream(
            f"{name}\nerr", fold.stderr, "warn"
        )
        if not rows:
            said = silence(fold, self.is_over)
            rows = [Row(f"{name}\nnone", (("  ", ""), (said, "dim")), flowing=True)]
        return rows

    def _stream(self, key: str, text: str, tone: str) -> list[Row]:
        """The output as rows, wrapped. The bar says: the node's words; `!` says: stderr."""
        lines = safe(text, tab_size=TAB).removesuffix("\n").split("\n") if text else []
        room = max(self.size.width - 7, 8)
        rows = [
            Row(f"{key}\n{number}.{part}", ((self._margin(tone, part), tone or "dim"), (piece, tone)), True)
            for number, line in enumerate(lines[:MAX_LINES])
            for part, piece in enumerate(chop_cells(line, room) or [""])
        ]
        if len(lines) > MAX_LINES:
            more = f"    {len(lines) - MAX_LINES} more lines are on record"
            rows.append(Row(f"{key}\nmore", ((more, "note"),), flowing=True))
        return rows

    def _margin(self, tone: str, part: int) -> str:
        return f"{'!' if tone and not part else ' '} {self.glyphs.wrapped if part else self.glyphs.bar} "


def _preview(fold: Fold) -> str:
    """The first line of what it printed, its columns moved together: the last one often says it."""
    return " ".join(_one_line(fold.stdout or fold.stderr).split())


def _one_line(text: str) -> str:
    return safe(text.strip().split("\n")[0], tab_size=1)
