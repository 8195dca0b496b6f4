"""A machine of one's own on the page: the host, sizes of a Mac, unlike cards."""

from typing import Any

from playwright.sync_api import Page, Request, expect

from llm_calc.adapters.hosts import load_platforms
from tests.page.conftest import LIMIT_MS, Opener

MINE = "/?v=1&m=gpt-oss-120b&w=&g=rtx-4090&n=1&e=llama.cpp&len=8192&load=c&c=1&i=1024&o=256"


def asked(page: Page, act: Any, hardware: Any) -> None:
    """Waits for the estimate of this hardware, which an action leads to."""

    def wanted(request: Request) -> bool:
        body: Any = request.post_data_json if request.url.endswith("/api/serving_estimate") else {}
        return bool(body.get("hardware") == hardware)

    with page.expect_request(wanted, timeout=LIMIT_MS):
        act()


def test_every_host_of_the_catalog_is_offered_and_reaches_the_question(opened: Opener) -> None:
    page = opened(MINE)
    field = page.get_by_label("Host", exact=True)
    offered = field.locator("option").evaluate_all("all => all.map(each => each.value)")
    assert offered == ["", *(platform.id for platform in load_platforms().platforms)]
    host: dict[str, Any] = {"platform": "desktop-ddr5-6000"}
    card = {"gpu": "rtx-4090", "count": 1}
    asked(page, lambda: field.select_option("desktop-ddr5-6000"), {**card, "host": host})
    memory = page.get_by_label("Memory of the host")
    asked(page, lambda: memory.fill("128"), {**card, "host": {**host, "memory_bytes": 128 << 30}})


def test_a_mac_is_chosen_with_its_memory(opened: Opener) -> None:
    page = opened(MINE)
    page.get_by_role("combobox", name="GPU", exact=True).fill("m4 max 64")
    chosen = page.get_by_role("option", name="Apple M4 Max 64 GB")
    asked(page, chosen.click, {"gpu": "apple-m4-max", "count": 1, "gpu_memory_bytes": 64 << 30})
    expect(page.get_by_label("Host", exact=True)).to_have_count(0)
    expect(page.locator(".verdict")).to_contain_text("not fit")


def test_unlike_cards_are_named_one_after_the_other(opened: Opener) -> None:
    page = opened(MINE.replace("g=rtx-4090", "g=rtx-4090,rtx-3090"))
    expect(page.locator(".verdict")).to_contain_text("Fits")
