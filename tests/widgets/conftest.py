"""A host for one widget: an app with the shipped themes and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget

from devopsclaw.screens.themes import DEFAULT, theme_files, themes, variables

Host = Callable[..., AbstractAsyncContextManager[Pilot[Any]]]


class Stage(App[None]):
    """Shows one widget and keeps the messages it posts."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget
        for theme in themes():
            self.register_theme(theme)
        self.theme = DEFAULT

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our variables."""
        return variables(theme_files()[0].colours)

    def compose(self) -> ComposeResult:
        """The widget alone."""
        yield self.widget


@pytest.fixture
def host() -> Host:
    """`async with host(widget) as pilot`."""

    @asynccontextmanager
    async def shown(widget: Widget, size: tuple[int, int] = (80, 12)) -> AsyncIterator[Pilot[Any]]:
        async with Stage(widget).run_test(size=size) as pilot:
            if widget.focusable:
                widget.focus()
            await pilot.pause()
            yield pilot

    return shown


def lines_of(widget: Widget) -> list[str]:
    """What a widget of the line API shows, line by line, without blanks at the end."""
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]
