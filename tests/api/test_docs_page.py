"""Swagger UI in a real browser that reaches nothing but loopback."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium
from tests.process import Service

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    """A page that fails the test where it logs an error or asks for a file of another host."""
    complaints: list[str] = []
    opened = browser.new_page()
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((service.url, "data:", "blob:"))
            else complaints.append(f"foreign: {request.url}")
        ),
    )
    yield opened
    opened.close()
    assert complaints == []


def test_the_documentation_shows_every_operation(page: Page, service: Service) -> None:
    page.goto(f"{service.url}/docs")
    expect(page.locator(".opblock-summary-path").filter(has_text=re.compile("calculate"))).to_be_visible()
    paths = page.request.get(f"{service.url}/openapi.json").json()["paths"]
    expect(page.locator(".opblock")).to_have_count(sum(map(len, paths.values())))


def test_a_request_can_be_tried_out(page: Page, service: Service) -> None:
    page.goto(f"{service.url}/docs")
    block = page.locator("#operations-calculator-calculate")
    block.locator(".opblock-summary").click()
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table")
    expect(answer.locator("tbody td.response-col_status").first).to_contain_text("200")
    expect(answer.locator("pre").first).to_contain_text("parameters_billions")
