"""For everyone: keys alone, both themes, narrow and wide, no violation that axe-core finds."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.page.conftest import Opener
from tests.page.reading import card, tile

pytestmark = pytest.mark.browser
STATES = {
    "example": "/",
    "does not fit": "/?v=1&w=bf16&n=1",
    "refused": "/?v=1&tp=3&m=lama",
    "side by side": "/?v=1&b.g=l40s&c.load=off&ttft=0.5&tpot=0.03",
}


def violations(page: Page) -> list[tuple[str, list[str]]]:
    found = Axe().run(page).response["violations"]
    return [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in found]


HEAVY_MS = 120_000
"""Searches and sweeps wait in one line, so that light questions never do."""


def walk_through(page: Page) -> None:
    """Bring every card into view, so that what is asked only then is there."""
    for each in page.locator(".answers section").all():
        each.scroll_into_view_if_needed()
        page.wait_for_timeout(60)
    page.locator("#gpus").scroll_into_view_if_needed()
    expect(
        page.locator("section:has(#gpus)").locator(".bars, .missing:not(:has-text('on its way'))")
    ).to_be_visible(timeout=HEAVY_MS)
    page.locator("#plans").scroll_into_view_if_needed()
    expect(
        page.locator("section:has(#plans)").locator(".plans, .missing:not(:has-text('on its way'))")
    ).to_be_visible(timeout=HEAVY_MS)
    expect(page.locator("section[aria-busy=true]")).to_have_count(0)


WIDTHS = (1440, 768, 360)
DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"


@pytest.mark.parametrize("state", STATES)
def test_no_violation_and_no_overflow(opened: Opener, state: str, tmp_path: Path) -> None:
    """Both themes at every width of the first state; the others light where they are wide, dark where narrow."""
    page = opened(STATES[state], width=WIDTHS[0])
    if state != "refused":  # nothing was answered: there are no further cards
        walk_through(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1000})
        assert page.evaluate(DRAWN)
        expect(page.locator("section[aria-busy=true]")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for dark, ends_at in ((False, WIDTHS[0]), (True, WIDTHS[-1])):
            if width == ends_at or state == "example":
                page.emulate_media(color_scheme="dark" if dark else "light")
                assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is dark
                assert violations(page) == []
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert (tmp_path / "page.png").stat().st_size > 20_000


@pytest.mark.parametrize("state", STATES)
def test_nothing_is_cut_where_the_page_opens_narrow_and_dark(opened: Opener, state: str) -> None:
    page = opened(STATES[state], width=WIDTHS[-1], dark=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[-1]
    if state == "example":
        assert violations(page) == []


def test_no_violation_in_what_opens(opened: Opener) -> None:
    page = opened()
    walk_through(page)
    page.get_by_role("button", name="Open all").click()
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    page.get_by_role("combobox", name="Model name").click()
    expect(page.get_by_role("option").first).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    for name in ("Share", "Keys"):
        page.get_by_role("button", name=name).click()
        assert violations(page) == []
        page.locator("dialog[open]").get_by_role("button", name="Close").click()


def test_keys_alone_lead_through_the_page(opened: Opener) -> None:
    page = opened()
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Model name")).to_be_focused()
    page.keyboard.type("llama-3.1-8b")
    page.keyboard.press("Tab")
    expect(page).to_have_url(re.compile(r"m=llama-3\.1-8b"))
    page.locator("h1").evaluate("each => document.activeElement.blur()")
    page.keyboard.press("g")
    expect(page.get_by_role("combobox", name="GPU")).to_be_focused()
    page.keyboard.type("h200 141")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="GPU")).to_have_value(re.compile("h200"))
    tile(page, "TPOT").focus()
    page.keyboard.press("e")
    expect(page.locator("#x-tpot")).to_have_attribute("open", "")
    expect(page.locator("#x-tpot summary")).to_be_focused()
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Remove scenario 2")).to_be_visible()
    page.keyboard.press("s")
    expect(page.get_by_text("Link copied")).to_have_count(1)
    assert "m=llama-3.1-8b" in page.evaluate("navigator.clipboard.readText()")


def test_charts_are_walked_and_their_data_opened_by_keys(opened: Opener) -> None:
    page = opened("/?v=1&b.g=h200-141gb-sxm")
    chart = card(page, "throughput")
    expect(chart.locator(".legend")).to_contain_text("H200 SXM")
    chart.locator(".plot").focus()
    page.keyboard.press("ArrowRight")
    expect(chart.locator(".told")).to_contain_text("2 at once")
    page.keyboard.press("ArrowDown")
    expect(chart.locator(".told")).to_contain_text("H200 SXM 141GB ×2, 2 at once")
    page.keyboard.press("Escape")
    expect(chart.locator(".told")).not_to_contain_text("2 at once")
    page.keyboard.press("d")
    expect(chart.locator("details.data")).to_have_attribute("open", "")
    expect(chart.locator("details.data tbody tr")).to_have_count(9)


def test_single_keys_can_be_switched_off(opened: Opener) -> None:
    page = opened()
    page.keyboard.press("?")
    page.get_by_label("Single keys work").uncheck()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Keys")).to_have_count(0)
    page.keyboard.press("?")
    page.wait_for_timeout(200)
    expect(page.get_by_role("heading", name="Keys")).to_have_count(0)
    page.get_by_role("button", name="Keys").click()
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()


def test_the_theme_is_kept(opened: Opener) -> None:
    page = opened()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Theme").click()
    expect(page.locator("html")).to_have_attribute("style", re.compile("dark"))
    assert page.evaluate(ground) != light
    page.reload()
    expect(page.locator(".verdict[aria-busy=false]")).to_be_visible()
    assert page.evaluate(ground) != light


def test_on_a_narrow_screen_the_form_folds_to_one_line(opened: Opener) -> None:
    page = opened(width=360, height=740)
    fold = page.get_by_role("button", name=re.compile("llama-3.1-70b fp8 · 2 × h100"))
    expect(page.get_by_label("Input")).not_to_be_visible()
    box = page.locator(".verdict").bounding_box()
    assert box is not None
    assert box["y"] < 300
    fold.click()
    page.get_by_label("Input").fill("2048")
    expect(fold).to_contain_text("2,048 in")
    for control in page.locator("aside button:visible, aside input:visible, aside select:visible").all():
        size = control.bounding_box()
        assert size is not None
        assert size["height"] >= 44
