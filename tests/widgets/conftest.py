"""A host for one widget: an app with the shipped themes and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

import pytest
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget

from devopsclaw.screens.themes import DEFAULT, as_theme, theme_named, variables

Heard = TypeVar("Heard", bound=Message)
Host = Callable[..., AbstractAsyncContextManager[Pilot[Any]]]


class Stage(App[None]):
    """Shows one widget and keeps the messages it posts."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget
        self.heard: list[Message] = []
        self.register_theme(as_theme(theme_named(DEFAULT)))
        self.theme = DEFAULT

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our variables."""
        return variables(theme_named(DEFAULT).colours)

    def compose(self) -> ComposeResult:
        """The widget alone."""
        yield self.widget


@pytest.fixture
def host() -> Host:
    """`async with host(widget) as pilot`."""

    @asynccontextmanager
    async def shown(widget: Widget, size: tuple[int, int] = (80, 12)) -> AsyncIterator[Pilot[Any]]:
        stage = Stage(widget)
        async with stage.run_test(size=size, message_hook=stage.heard.append) as pilot:
            if widget.focusable:
                widget.focus()
            await pilot.pause()
            yield pilot

    return shown


def heard(pilot: Pilot[Any], kind: type[Heard]) -> list[Heard]:
    """The messages of this kind that were handled so far, each once."""
    stage = pilot.app
    assert isinstance(stage, Stage)
    found = [message for message in stage.heard if isinstance(message, kind)]
    return list({id(message): message for message in found}.values())


def lines_of(widget: Widget) -> list[str]:
    """What a widget of the line API shows, line by line, without blanks at the end."""
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]
