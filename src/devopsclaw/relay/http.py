"""Plain requests on the relay's port: health, readiness, metrics; and what is no session at all."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from devopsclaw.relay.metrics import CONTENT_TYPE, Metrics

NO_BROWSERS = "no session is opened for a web page\n"
NO_SESSION = "this is a devopsclaw relay: daemons and consoles open WebSocket sessions here\n"


class Pages:
    """Answers requests that open no session; `is_ready` is asked each time."""

    def __init__(self, metrics: Metrics, is_ready: Callable[[], bool]) -> None:
        self._metrics = metrics
        self._is_ready = is_ready

    def respond(self, connection: ServerConnection, request: Request) -> Response | None:
        """The answer; None lets a WebSocket handshake go on.

        Whatever carries an `Origin` comes from a web page, which could ride on the address of the
        person who looks at it; no client of ours sends one.
        """
        if "Origin" in request.headers:
            return connection.respond(HTTPStatus.FORBIDDEN, NO_BROWSERS)
        path = urlsplit(request.path).path
        match path:
            case "/health":
                return connection.respond(HTTPStatus.OK, "ok\n")
            case "/ready":
                return self._readiness(connection)
            case "/metrics":
                return self._figures(connection)
            case "/" if "Upgrade" in request.headers:
                return None
            case "/":
                return connection.respond(HTTPStatus.UPGRADE_REQUIRED, NO_SESSION)
        return connection.respond(HTTPStatus.NOT_FOUND, "not here\n")

    def _readiness(self, connection: ServerConnection) -> Response:
        if self._is_ready():
            return connection.respond(HTTPStatus.OK, "ready\n")
        return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "stopping\n")

    def _figures(self, connection: ServerConnection) -> Response:
        response = connection.respond(HTTPStatus.OK, self._metrics.page().decode())
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = CONTENT_TYPE
        return response
