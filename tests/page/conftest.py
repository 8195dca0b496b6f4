"""A running service and a real Chromium that reaches nothing but loopback."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import chromium
from tests.process import Service

# A busy machine answers late; what is there is seen at once.
LIMIT_MS = 60_000
expect.set_options(timeout=LIMIT_MS)
Opener = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def watch(page: Page, service: Service, complaints: list[str]) -> None:
    """Note what a page logs as an error, but for refusals of the service, and whatever it asks another host for."""

    def log(message: Any) -> None:
        if message.type == "error" and "400" not in message.text:
            complaints.append(message.text)

    def request(sent: Any) -> None:
        if not sent.url.startswith((service.url, "data:", "blob:")):
            complaints.append(f"foreign: {sent.url}")

    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", log)
    page.on("request", request)


@pytest.fixture
def opened(browser: Browser, service: Service) -> Iterator[Opener]:
    """Opens the page; the test fails where it logs an error or asks another host for anything."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def open_page(path: str = "/", *, width: int = 1440, height: int = 1000, dark: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            permissions=["clipboard-read", "clipboard-write"],
            accept_downloads=True,
        )
        context.set_default_timeout(LIMIT_MS)
        contexts.append(context)
        page = context.new_page()
        watch(page, service, complaints)
        page.goto(f"{service.url}{path}")
        expect(page.locator(".verdict[aria-busy=false]")).to_be_visible()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
