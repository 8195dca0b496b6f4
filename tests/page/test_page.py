"""The page in a real browser: what it shows is what the API answers."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.api.pages import STATIC
from tests.page.conftest import Opener
from tests.process import Service

pytestmark = pytest.mark.browser
EXAMPLE: dict[str, Any] = {
    "model": {"name": "llama-3.1-70b"},
    "precision": {"weights": "fp8"},
    "hardware": {"gpu": "h100-80gb-sxm", "count": 2},
    "engine": {"name": "vllm", "max_model_len": 16384},
    "workload": {"input_tokens": 1024, "output_tokens": 512, "concurrency": 32},
}


def shown_time(seconds: float) -> str:
    """A time as the page writes it."""
    value, unit = (seconds, "s") if seconds >= 0.1 else (1e3 * seconds, "ms")
    return f"{float(f'{value:.3g}'):g} {unit}"


def tile(page: Page, name: str) -> Any:
    return page.locator(".tile", has=page.get_by_text(name, exact=True)).locator("strong")


def ask(service: Service, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.post(f"{service.url}{path}", json=body, timeout=60).json()
    return answer


def test_figures_equal_those_of_the_api(opened: Opener, service: Service) -> None:
    page = opened()
    served = ask(service, "/api/serving_estimate", EXAMPLE)
    expect(page.locator("#verdict")).to_contain_text("Fits")
    expect(tile(page, "First token")).to_have_text(shown_time(served["ttft_s"]))
    expect(tile(page, "Each further token")).to_have_text(shown_time(served["tpot_s"]))
    plan = ask(
        service,
        "/api/memory_plan",
        {**EXAMPLE, "precision": {"weights": "fp8", "kv_cache": served["resolved"]["kv_cache"]}},
    )
    expect(page.locator("section", has=page.locator("#memory"))).to_contain_text(
        f"{plan['kv_cache_tokens']:,}"
    )
    expect(page.locator("section", has=page.locator("#computed"))).to_contain_text("70,553,706,496")


def test_answers_follow_what_is_typed(opened: Opener, service: Service) -> None:
    page = opened()
    page.get_by_label("Model", exact=True).fill("llama-3.1-8b")
    page.get_by_label("Concurrent requests").fill("8")
    body = {**EXAMPLE, "model": {"name": "llama-3.1-8b"}}
    body["workload"] = {**EXAMPLE["workload"], "concurrency": 8}
    served = ask(service, "/api/serving_estimate", body)
    expect(tile(page, "Each further token")).to_have_text(shown_time(served["tpot_s"]))
    expect(page).to_have_url(re.compile(r"m=llama-3\.1-8b"))


def test_a_link_opens_the_same_answer(opened: Opener, service: Service) -> None:
    page = opened()
    page.get_by_label("Input").fill("4096")
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Copy link").click()
    link = page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".verdict[aria-busy=false]")).to_be_visible()
    again = opened(link.removeprefix(service.url))
    expect(again.get_by_label("Input")).to_have_value("4096")
    expect(tile(again, "First token")).to_have_text(tile(page, "First token").inner_text())


def test_curl_gives_the_answer_of_the_page(opened: Opener, service: Service) -> None:
    page = opened()
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Copy curl").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    body = json.loads(copied.split("-d '", 1)[1].rsplit("'", 1)[0])
    served = ask(service, "/api/serving_estimate", body)
    expect(tile(page, "First token")).to_have_text(shown_time(served["ttft_s"]))


def test_a_config_can_be_pasted_and_travels_in_the_link(opened: Opener, service: Service) -> None:
    config = {**load_catalogs().model("llama2-7b").config}
    page = opened("/?g=a100-80gb-sxm&n=1&w=")
    page.get_by_text("Paste or drop").click()
    page.get_by_label("Content of config.json").fill(json.dumps(config))
    computed = page.locator("section", has=page.locator("#computed"))
    expect(computed).to_contain_text("6,738,415,616")
    expect(page).to_have_url(re.compile("#"))
    again = opened(page.url.removeprefix(service.url))
    expect(again.locator("section", has=again.locator("#computed"))).to_contain_text("6,738,415,616")


def test_a_wrong_value_is_told_at_its_field_and_the_last_answer_stays(opened: Opener) -> None:
    page = opened()
    before = tile(page, "First token").inner_text()
    page.get_by_text("Engine and layout").click()
    page.get_by_label("Tensor parallel").fill("3")
    field = page.locator(".field", has=page.get_by_label("How many"))
    expect(field.get_by_role("alert")).to_be_visible()
    expect(tile(page, "First token")).to_have_text(before)
    page.get_by_label("Tensor parallel").fill("2")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_label("Model", exact=True).fill("lama-3.1-70b")
    alert = page.locator(".field", has=page.get_by_label("Model", exact=True)).get_by_role("alert")
    expect(alert).to_contain_text("llama-3.1-70b")


def test_what_does_not_fit_says_what_would(opened: Opener) -> None:
    page = opened("/?v=1&w=bf16&n=1&len=8192")
    expect(page.locator("#verdict")).to_contain_text("Does not fit")
    page.locator(".changes button").first.click()
    expect(page.locator("#verdict")).not_to_contain_text("Does not fit")


def test_scenarios_stand_side_by_side(opened: Opener, service: Service) -> None:
    page = opened()
    page.get_by_role("button", name="Compare with a copy").click()
    page.get_by_label("GPU", exact=True).fill("h200-141gb-sxm")
    table = page.locator("section", has=page.locator("#compare"))
    expect(table).to_contain_text("h200-141gb-sxm")
    expect(table).to_contain_text("better than A")
    expect(page).to_have_url(re.compile(r"b\.g=h200-141gb-sxm"))
    again = opened(page.url.removeprefix(service.url))
    expect(again.locator("section", has=again.locator("#compare"))).to_contain_text("h200-141gb-sxm")


def test_plans_come_with_a_command_to_copy(opened: Opener) -> None:
    page = opened("/?v=1&m=llama-3.1-8b&c=4&tpot=0.03")
    page.get_by_role("button", name="Find deployments").click()
    first = page.locator(".plans tbody tr").first
    expect(first).to_be_visible()
    first.get_by_role("button", name="Copy command").click()
    assert page.evaluate("navigator.clipboard.readText()")
    first.get_by_role("button", name="Use").click()
    expect(page.locator(".verdict[aria-busy=false]")).to_be_visible()


def test_every_gpu_can_be_compared(opened: Opener) -> None:
    page = opened("/?v=1&m=llama-3.1-8b&c=4")
    page.get_by_role("button", name="Compare all GPUs").click()
    expect(page.locator(".bars .chosen")).to_contain_text("h100-80gb-sxm")


def test_keys_alone_lead_through_the_page(opened: Opener) -> None:
    page = opened()
    page.keyboard.press("/")
    expect(page.get_by_label("Model", exact=True)).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("llama-3.1-8b")
    page.keyboard.press("Tab")
    expect(page).to_have_url(re.compile(r"m=llama-3\.1-8b"))
    chart = page.locator("section", has=page.locator("#throughput")).locator(".plot")
    chart.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("section", has=page.locator("#throughput")).locator(".told")).to_contain_text(
        "2 at once"
    )
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Keys")).to_have_count(0)


def test_unknown_parts_of_a_link_are_told(opened: Opener) -> None:
    page = opened("/?v=1&zz=9")
    expect(page.get_by_text("zz=9")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 768, 360])
@pytest.mark.parametrize("dark", [False, True])
def test_accessibility_and_no_overflow(opened: Opener, width: int, dark: bool, tmp_path: Path) -> None:
    page = opened(width=width, dark=dark)
    expect(page.locator("section", has=page.locator("#throughput")).locator("svg")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response["violations"]
    assert [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found] == []
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert (tmp_path / "page.png").stat().st_size > 20_000


@pytest.mark.parametrize(
    "state", ["/?v=1&w=bf16&n=1", "/?v=1&tp=3", "/?v=1&b.g=l40s", "/?v=1&load=off&e=sglang"]
)
def test_accessibility_of_other_states(opened: Opener, state: str) -> None:
    page = opened(state)
    page.wait_for_timeout(700)
    found = Axe().run(page).response["violations"]
    assert [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found] == []


def test_files_stay_within_their_budget() -> None:
    def compressed(files: list[Path]) -> int:
        return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)

    own = sorted((STATIC / "page").glob("*"))
    assert compressed([STATIC / "vendor/page/libraries.js"]) <= 30 * 1024
    assert compressed([file for file in own if file.suffix == ".js"]) <= 60 * 1024
    assert compressed([file for file in own if file.suffix == ".css"]) <= 10 * 1024


def test_third_party_code_is_recorded() -> None:
    record = json.loads((STATIC / "vendor/page/libraries.json").read_text(encoding="utf-8"))
    assert {"preact", "htm", "@preact/signals", "d3-scale", "d3-shape"} <= set(record["packages"])
    for package in record["packages"].values():
        assert package["integrity"].startswith("sha512-")
        assert package["licence"] in ("MIT", "ISC", "Apache-2.0")
