"""HTTP/1.1 with limits: how long headers may take, how large they may be, how many connections there may be.

What is refused here is answered in the shape of all errors, and the connection closed once the answer could be read.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

from pydantic_core import to_json
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LINGER_S = 2.0
"""How long a refused caller may go on sending before the connection is cut: cut at once, the answer would be lost."""
LAST_LOOK_S = 0.25
"""How long an idle connection is still listened to when the service stops: a request may be on its way."""
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Bounds of connections and of what comes before a body."""

    connections: int = 2048
    header_time_s: float = 10.0
    header_bytes: int = 65_536
    header_lines: int = 100


class _RefusedError(Exception):
    """Headers that are not accepted; ends the parser's work on them."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection. ``limits`` and ``draining`` are those of the server, set on a subclass of its own."""

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()
    draining: ClassVar[bool] = False

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - as the base class has it
        super().__init__(*arguments, **named)
        self.message_since_s: float | None = self.loop.time()
        self.closing_since_s: float | None = None
        self.in_head = True
        self.head_bytes = 0
        self.refusal: tuple[int, str] | None = None
        self.refused = False

    @property
    def answering(self) -> bool:
        """Whether a request is being answered."""
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - as the base class has it
        """Take the connection; where there are too many, one that asks nothing makes room."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections and not self._make_room():
            self._refuse(
                HTTPStatus.SERVICE_UNAVAILABLE, "request: there are too many connections; ask again in 1 s"
            )

    def _make_room(self) -> bool:
        """Close the connection that has been silent longest; those that wait between requests come last."""
        others = [
            each
            for each in self.connections
            if isinstance(each, LimitedProtocol) and each is not self and not each.answering
        ]
        if not others:
            return False
        oldest = min(others, key=lambda each: (each.message_since_s is None, each.message_since_s or 0.0))
        oldest.transport.abort()
        self.connections.discard(oldest)
        return True

    def data_received(self, data: bytes) -> None:
        """Read on, unless the caller was refused or its headers are too large."""
        if self.refused:
            return
        super().data_received(data)
        if self.in_head and not self.refused:
            self.head_bytes += len(data)
            if self.head_bytes > self.limits.header_bytes:
                self._refuse(*self._too_large())

    def on_message_begin(self) -> None:
        """A request begins with its first byte."""
        super().on_message_begin()
        self.message_since_s = self.loop.time()
        self.in_head = True
        self.head_bytes = 0

    def on_headers_complete(self) -> None:
        """Hold the headers against the limits, and begin to answer."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.limits.header_bytes or len(self.headers) > self.limits.header_lines:
            self.refusal = self._too_large()
        elif self.parser.get_http_version() == "1.1" and all(name != b"host" for name, _ in self.headers):
            self.refusal = HTTPStatus.BAD_REQUEST, "Host: is missing; HTTP/1.1 asks for it"
        if self.refusal is not None:
            raise _RefusedError
        self.in_head = False
        self.head_bytes = 0
        super().on_headers_complete()
        if self.draining:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """A whole request has come."""
        self.message_since_s = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer has been sent; what is silent from here on is idle since now."""
        super().on_response_complete()
        if self.transport.is_closing():
            self.closing_since_s = self.loop.time()

    def send_400_response(self, msg: str) -> None:
        """Refuse what came: for the reason that was found, else because it is no HTTP."""
        status, sentence = self.refusal or (
            HTTPStatus.BAD_REQUEST,
            f"request: {msg.rstrip('.').lower()}; HTTP/1.1 is accepted",
        )
        self._refuse(status, sentence)

    def _too_large(self) -> tuple[int, str]:
        limits = self.limits
        return (
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"headers: must have at most {limits.header_bytes} bytes in at most {limits.header_lines} lines",
        )

    def _refuse(self, status: int, sentence: str) -> None:
        """Answer, and close once the caller has had time to read it."""
        self.refused = True
        if self.transport.is_closing():
            return
        if self.answering:
            self.cycle.keep_alive = False
            return
        body = to_json({"error": sentence})
        head = f"HTTP/1.1 {int(status)} {_PHRASES[int(status)]}\r\ncontent-type: application/json\r\n"
        head += "x-content-type-options: nosniff\r\n"
        head += f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.closing_since_s = self.loop.time()
        self.loop.call_later(LINGER_S, self.transport.abort)

    def look_after(self, now_s: float) -> None:
        """Close what has taken too long: headers that do not come, bodies nobody waits for, answers nobody reads."""
        limit_s = self.limits.header_time_s
        if self.closing_since_s is not None:
            if now_s - self.closing_since_s > limit_s:
                self.transport.abort()
            return
        if self.message_since_s is None or self.answering or now_s - self.message_since_s <= limit_s:
            return
        if self.in_head:
            self._refuse(
                HTTPStatus.REQUEST_TIMEOUT, f"request: its headers must have come within {limit_s:g} s"
            )
        else:
            self.transport.abort()

    def shutdown(self) -> None:
        """Finish what is being answered or on its way, then close."""
        if self.answering:
            self.cycle.keep_alive = False
        else:
            self.loop.call_later(LAST_LOOK_S, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if self.answering or self.transport.is_closing():
            return
        if self.in_head and self.head_bytes:
            self.loop.call_later(LAST_LOOK_S, self._close_if_idle)
        else:
            self.transport.close()


def protocol_with(limits: ConnectionLimits) -> type[LimitedProtocol]:
    """The protocol of one server."""
    return type("ServedProtocol", (LimitedProtocol,), {"limits": limits, "draining": False})
