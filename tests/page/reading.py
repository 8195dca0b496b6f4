"""What the page shows, and the same from the API."""

import re
import time
from typing import Any

import httpx
from playwright.sync_api import Locator, Page

from tests.process import Service

EXAMPLE: dict[str, Any] = {
    "model": {"name": "llama-3.1-70b"},
    "precision": {"weights": "fp8"},
    "hardware": {"gpu": "h100-80gb-sxm", "count": 2},
    "engine": {"name": "vllm", "max_model_len": 16384},
    "workload": {"input_tokens": 1024, "output_tokens": 512, "concurrency": 32},
}
GIB = 2**30


def ask(service: Service, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer of the API."""
    response = httpx.post(f"{service.url}{path}", json=body, timeout=60)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def until(page: Page, script: str, limit_s: float = 60.0) -> None:
    """Wait until a script of the test answers yes; the page's own rules refuse one that waits by itself."""
    began_s = time.monotonic()
    while not page.evaluate(script):
        assert time.monotonic() - began_s < limit_s, script
        page.wait_for_timeout(50)


def planned(service: Service, body: dict[str, Any], served: dict[str, Any]) -> dict[str, Any]:
    """The memory plan with the cache format that an estimate took, as the page asks it."""
    precision = {**body["precision"], "kv_cache": served["resolved"]["kv_cache"]}
    return ask(service, "/api/memory_plan", {**body, "precision": precision})


def significant(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, as the page writes it."""
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.0f}" if rounded >= 1000 else f"{rounded:g}"


def exact(value: float, digits: int = 3) -> str:
    """The same with zeros at the end."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:#.{digits}g}".rstrip(".")


def shown_time(seconds: float) -> str:
    """A time as the page writes it."""
    value, unit = (seconds, "s") if seconds >= 0.09995 else (1e3 * seconds, "ms")
    return f"{exact(value)} {unit}"


def shown_count(value: float) -> str:
    """A rate as the page writes it: 1,000 to 9,999 in full, then 12.4k."""
    if value >= 1e4:
        return f"{significant(value / 1e3)}k"
    return f"{value:,.0f}" if value >= 1000 else significant(value)


def card(page: Page, name: str) -> Locator:
    """A card by the id of its head."""
    return page.locator("section", has=page.locator(f"#{name}"))


def tile(page: Page, name: str) -> Locator:
    """The figure of a tile of the verdict."""
    return page.locator(".tile", has=page.get_by_text(name, exact=True)).locator(".figure")


def field(page: Page, label: str) -> Locator:
    """A field of the form by its label, with what is told beside it."""
    return page.locator(".field").filter(
        has=page.locator("label", has_text=re.compile(f"^{re.escape(label)}( in |$)"))
    )
