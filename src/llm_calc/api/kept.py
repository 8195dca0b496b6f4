"""Answers that stay the same until the service is started anew: made once, and not sent to those who have them."""

import hashlib
from collections.abc import Callable, Mapping

from fastapi import Request
from pydantic_core import to_json
from starlette.responses import Response

FOR_A_WHILE = "public, max-age=300"
AFTER_ASKING = "no-cache"
"""Kept, but shown only after the service has said that it is still the same."""


class Kept:
    """Bodies by name, each with its tag."""

    def __init__(self) -> None:
        self._bodies: dict[str, tuple[bytes, str]] = {}

    def answer(
        self,
        request: Request,
        name: str,
        make: Callable[[], bytes],
        media_type: str,
        headers: Mapping[str, str],
    ) -> Response:
        """The body of this name, or 304 where the caller has it already."""
        if name not in self._bodies:
            body = make()
            self._bodies[name] = body, f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'
        body, tag = self._bodies[name]
        own = {**headers, "etag": tag}
        if _has(request, tag):
            return Response(status_code=304, headers=own)
        return Response(body, media_type=media_type, headers=own)


def _has(request: Request, tag: str) -> bool:
    """Whether the caller names the tag among those that it has; weak and strong ones are the same here."""
    given = request.headers.get("if-none-match", "")
    wanted = tag.removeprefix("W/")
    return given.strip() == "*" or wanted in (each.strip().removeprefix("W/") for each in given.split(","))


def kept_json(request: Request, name: str, make: Callable[[], object]) -> Response:
    """A list of the catalogs as JSON, which may be kept for some minutes."""
    kept: Kept = request.app.state.kept
    headers = {"cache-control": FOR_A_WHILE}
    return kept.answer(request, name, lambda: to_json(make()), "application/json", headers)


def kept_text(
    request: Request, name: str, make: Callable[[], str], media_type: str, headers: Mapping[str, str]
) -> Response:
    """A page or a text, which is shown again after asking."""
    kept: Kept = request.app.state.kept
    own = {"cache-control": AFTER_ASKING, **headers}
    return kept.answer(request, name, lambda: make().encode(), media_type, own)
