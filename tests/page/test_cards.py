"""The cards below the verdict: maps, charts, GPUs, plans, explanations, files to take away."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Opener
from tests.page.reading import EXAMPLE, ask, card, planned, shown_count, shown_time, significant, tile
from tests.process import Service

pytestmark = pytest.mark.browser
# A run of the published measurements.
MEASURED: dict[str, Any] = {
    "model": {"name": "deepseek-v3"},
    "precision": {"weights": "fp8"},
    "hardware": {"gpu": "b200-180gb-sxm", "count": 8},
    "engine": {"name": "sglang", "context_length": 16384},
    "workload": {"input_tokens": 1024, "output_tokens": 1024, "concurrency": 32},
}
MEASURED_LINK = "m=deepseek-v3&g=b200-180gb-sxm&n=8&e=sglang&o=1024"


def test_the_map_shows_what_fits_and_how_fast(opened: Opener, service: Service) -> None:
    page = opened()
    served = ask(service, "/api/serving_estimate", EXAMPLE)
    plan = planned(service, EXAMPLE, served)
    what_if = card(page, "fit")
    cells = what_if.locator("tbody td.cell")
    expect(cells).to_have_count(len(plan["table"]) * len(plan["table_concurrency"]))
    fitting = sum(sum(row["fits"]) for row in plan["table"])
    expect(what_if.locator("td.cell.fits")).to_have_count(fitting)
    what_if.get_by_role("button", name="TPOT").click()
    workload = {"input_tokens": 4096 - 512, "output_tokens": 512, "concurrency": 16}
    one = ask(service, "/api/serving_estimate", {**EXAMPLE, "workload": workload})
    expected = f"16 requests of 4,096 tokens: {significant(1000 * one['tpot_s'], 2)} ms"
    expect(what_if.get_by_title(expected)).to_be_visible()


def test_the_map_says_what_keeps_a_target(opened: Opener) -> None:
    page = opened("/?v=1&ttft=0.3")
    what_if = card(page, "fit")
    what_if.get_by_role("button", name="TTFT").click()
    expect(what_if.get_by_title(re.compile("within the target")).first).to_be_visible()
    late = what_if.get_by_title(re.compile("beyond the target")).first
    expect(late).to_contain_text("!")


def test_a_point_of_a_chart_becomes_the_load(opened: Opener, service: Service) -> None:
    page = opened()
    plot = card(page, "throughput").locator(".plot")
    expect(plot.locator("svg")).to_be_visible()
    plot.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(card(page, "throughput").locator(".told")).to_contain_text("8 at once: ")
    page.keyboard.press("Enter")
    workload = {**EXAMPLE["workload"], "concurrency": 8}
    served = ask(service, "/api/serving_estimate", {**EXAMPLE, "workload": workload})
    expect(tile(page, "TPOT")).to_have_text(shown_time(served["tpot_s"]))
    expect(page).to_have_url(re.compile(r"[?&]c=8"))


def test_measured_runs_stand_in_the_chart(opened: Opener, service: Service) -> None:
    page = opened("/?v=1&" + MEASURED_LINK)
    run = ask(service, "/api/serving_estimate", MEASURED)["basis"]["measured_curve"][0]
    throughput = card(page, "throughput")
    throughput.get_by_role("button", name="TPOT").click()
    expect(throughput.locator(".legend")).to_contain_text("Measured")
    expect(throughput.locator("rect.mark").first).to_be_visible()
    first = ask(service, "/api/serving_estimate", MEASURED)["basis"]["nearest"][0]
    beside = page.locator(".verdict .nearest")
    expect(beside).to_contain_text(f"Nearest published run: TTFT {shown_time(first['ttft_s'])}, TPOT")
    expect(beside).to_contain_text("it differs in nothing")
    nearest = card(page, "wrong").get_by_role("region", name="Nearest measurements")
    expect(nearest).to_contain_text(run["source"])
    expect(nearest).to_contain_text("we say")


def test_every_figure_opens_its_formula(opened: Opener, service: Service) -> None:
    page = opened()
    for name, step in (("TTFT", "ttft"), ("Output", "output"), ("Max concurrent", "users"), ("Cost", "cost")):
        tile(page, name).click()
        opened_step = page.locator(f"#x-{step}")
        expect(opened_step).to_have_attribute("open", "")
        expect(opened_step.locator("code").last).to_contain_text(tile(page, name).inner_text())
    page.get_by_role("button", name="Open all").or_(page.get_by_role("button", name="Close all")).click()
    expect(page.locator("details.formula[open]")).to_have_count(0)
    page.get_by_role("button", name="Open all").click()
    expect(page.locator("#x-cache")).to_contain_text("80 full layers × 2,048 × 1 B (fp8) = 163,840 B")


def test_gpus_that_cannot_hold_it_are_left_out(opened: Opener, service: Service) -> None:
    page = opened("/?v=1&m=llama-3.1-8b&w=bf16&n=1&c=4&len=8192&mem=60")
    gpus = card(page, "gpus")
    gpus.scroll_into_view_if_needed()
    expect(gpus.locator(".bars .chosen")).to_contain_text("H100 SXM5 80GB")
    gpus.get_by_label(re.compile("also the")).check()
    gpus.get_by_role("button", name="Show all").click()
    expect(gpus.get_by_role("button", name="GeForce RTX 4090")).to_be_visible()
    expect(gpus.get_by_role("button", name="GeForce RTX 3060")).to_have_count(0)
    gpus.get_by_role("button", name="GeForce RTX 4090").click()
    body = {
        "model": {"name": "llama-3.1-8b"},
        "precision": {"weights": "bf16"},
        "hardware": {"gpu": "rtx-4090"},
        "engine": {"name": "vllm", "max_model_len": 8192},
        "workload": {**EXAMPLE["workload"], "concurrency": 4},
    }
    served = ask(service, "/api/serving_estimate", body)
    expect(tile(page, "Output")).to_have_text(f"{shown_count(served['output_tokens_per_s'])} tok/s")


def test_plans_come_with_a_command_to_copy_and_can_be_used(opened: Opener) -> None:
    page = opened("/?v=1&m=llama-3.1-8b&c=4&tpot=0.03&max=4")
    plans = card(page, "plans")
    plans.scroll_into_view_if_needed()
    first = plans.locator(".plans tbody tr").first
    expect(first).to_be_visible()
    first.get_by_role("button", name="Copy command").click()
    plans.get_by_text("Command", exact=True).first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert plans.locator(".command pre").first.inner_text() == copied
    shown = first.locator("td").nth(2).inner_text().split("\n")[0]
    first.get_by_role("button", name="Use").click()
    expect(tile(page, "TPOT")).to_have_text(shown)


def downloaded(page: Page, press: Any) -> Path:
    with page.expect_download() as waiting:
        press()
    return Path(waiting.value.path())


def test_figures_can_be_taken_away(opened: Opener, service: Service) -> None:
    page = opened()
    served = ask(service, "/api/serving_estimate", EXAMPLE)
    page.get_by_role("button", name="Share").click()
    path = downloaded(page, page.get_by_role("button", name="Figures as CSV").click)
    rows = {row["figure"]: row for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))}
    assert float(rows["ttft_s"]["value"]) == served["ttft_s"]
    assert float(rows["ttft_s"]["likely low"]) == served["interval"]["ttft_s"]["low"]
    assert rows["output_tokens_per_s"]["unit"] == "tokens/s"
    whole = downloaded(page, page.get_by_role("button", name="Answers as JSON").click).read_text("utf-8")
    assert f'"ttft_s": {served["ttft_s"]}' in whole


def test_a_chart_can_be_taken_away(opened: Opener) -> None:
    page = opened()
    throughput = card(page, "throughput")
    throughput.get_by_text("Data", exact=True).click()
    picture = downloaded(page, throughput.get_by_role("button", name="PNG").click).read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000
    drawing = downloaded(page, throughput.get_by_role("button", name="SVG").click).read_text("utf-8")
    assert drawing.startswith("<svg")
    assert "stroke: rgb" in drawing
    table = downloaded(page, throughput.get_by_role("button", name="CSV").click).read_text("utf-8")
    assert table.splitlines()[0] == "Concurrent requests [requests],Output [tokens/s],TTFT [s],TPOT [s]"
    assert len(table.splitlines()) == 10


def test_plans_can_be_held_to_the_chosen_gpu(opened: Opener, service: Service) -> None:
    page = opened("/?v=1&m=llama-3.1-8b&c=4&g=l40s&n=1&mem=40&tp=1")
    plans = card(page, "plans")
    plans.scroll_into_view_if_needed()
    expect(plans).to_contain_text("Plans are made without: Memory of a GPU, Tensor parallel.")
    plans.get_by_text("Taken for granted").click()
    expect(plans).to_contain_text("typical on-demand prices of the catalog")
    plans.get_by_role("button", name="Only the chosen").click()
    rows = plans.locator(".plans tbody tr:not(.command) th")
    expect(rows.first).to_contain_text("L40S")
    expect(plans.get_by_text("MI300X")).to_have_count(0)
    assert all("L40S" in text for text in rows.all_inner_texts())
    plans.get_by_label("Best in").select_option("TPOT")
    body: dict[str, Any] = {
        "model": {"name": "llama-3.1-8b"},
        "gpus": ["l40s"],
        "objective": "tpot",
        "max_plans": 10,
    }
    body["workload"] = {**EXAMPLE["workload"], "concurrency": 4}
    best = ask(service, "/api/deployment_plans", body)["plans"][0]
    expect(plans.locator(".plans tbody td").nth(2)).to_contain_text(shown_time(best["tpot_s"]))


def test_which_quantization_fits_is_one_look(opened: Opener, service: Service) -> None:
    page = opened()
    page.get_by_role("button", name="My PC or Mac").click()
    expect(page.get_by_label("Engine", exact=True)).to_have_value("llama.cpp")
    table = card(page, "quants")
    table.scroll_into_view_if_needed()
    body = {
        "model": {"name": "gpt-oss-20b"},
        "hardware": {"gpu": "rtx-4090", "count": 1},
        "context_tokens": 8192,
        "concurrency": 1,
    }
    rows = ask(service, "/api/fit", body)["rows"]
    expect(table.locator(".quants tbody tr:not(.command)")).to_have_count(len(rows))
    best = next(row for row in rows if row["best"])
    expect(table.locator("tr.best")).to_contain_text(best["weights"])
    expect(table.locator("tr.best")).to_contain_text(significant(best["tokens_per_s"]))
