"""The page shows what the API answers: as one types, beside the field that was refused, without a service."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.links import requests_of
from tests.adapters.gguf_files import llama_parameters, write_llama
from tests.page.conftest import Opener
from tests.page.reading import (
    EXAMPLE,
    GIB,
    ask,
    card,
    exact,
    field,
    planned,
    shown_count,
    shown_time,
    significant,
    tile,
)
from tests.process import SERVE, Service, running

pytestmark = pytest.mark.browser


def test_figures_equal_those_of_the_api(opened: Opener, service: Service) -> None:
    page = opened()
    served = ask(service, "/api/serving_estimate", EXAMPLE)
    plan = planned(service, EXAMPLE, served)
    expect(page.locator("#verdict")).to_contain_text("Fits")
    expect(tile(page, "TTFT")).to_have_text(shown_time(served["ttft_s"]))
    expect(tile(page, "TPOT")).to_have_text(shown_time(served["tpot_s"]))
    expect(tile(page, "Output")).to_have_text(f"{shown_count(served['output_tokens_per_s'])} tok/s")
    expect(tile(page, "Max concurrent")).to_have_text(f"{plan['sequences_that_fit']:,}")
    low, high = (served["interval"]["ttft_s"][end] for end in ("low", "high"))
    likely = f"likely {significant(low, 2)}–{significant(high, 2)}"
    expect(page.locator(".tile").first).to_contain_text(likely)
    memory = card(page, "memory")
    expect(memory).to_contain_text(f"{plan['kv_cache_tokens']:,}")
    for part in ("weights_bytes", "kv_cache_bytes", "activation_peak_bytes", "cuda_graphs_bytes"):
        expect(memory).to_contain_text(f"{exact(plan['per_gpu'][part] / GIB)} GiB")
    expect(card(page, "computed")).to_contain_text("70,553,706,496")


def test_cost_is_rent_over_tokens(opened: Opener, service: Service) -> None:
    page = opened("/?v=1&usd=2.5")
    served = ask(service, "/api/serving_estimate", EXAMPLE)
    expect(tile(page, "Cost")).to_have_text(f"${2 * 2.5 / 3600 / served['output_tokens_per_s'] * 1e6:.2f}")


def test_answers_follow_what_is_typed(opened: Opener, service: Service) -> None:
    page = opened()
    page.get_by_role("combobox", name="Model name").fill("llama-3.1-8b")
    page.get_by_label("Concurrent requests").fill("8")
    body = {**EXAMPLE, "model": {"name": "llama-3.1-8b"}, "precision": {}}
    body["workload"] = {**EXAMPLE["workload"], "concurrency": 8}
    served = ask(service, "/api/serving_estimate", body)
    expect(tile(page, "TPOT")).to_have_text(shown_time(served["tpot_s"]))
    expect(page).to_have_url(re.compile(r"m=llama-3\.1-8b"))


def test_another_model_or_kind_of_engine_comes_in_its_own_format(opened: Opener) -> None:
    page = opened()
    weights = page.get_by_label("Weights", exact=True)
    expect(weights).to_have_value("fp8")
    page.get_by_role("combobox", name="Model name").fill("gpt-oss-20b")
    expect(weights).to_have_value("")
    weights.select_option("bf16")
    page.get_by_text("Layout, memory and cache").click()
    page.get_by_label("GPU memory share").fill("0.8")
    expect(page).to_have_url(re.compile(r"util=0\.8"))
    page.get_by_label("Engine", exact=True).select_option("llama.cpp")
    expect(weights).to_have_value("")
    # A share of one engine is of another whole than that of the next.
    expect(page).not_to_have_url(re.compile(r"util="))


def test_a_target_is_typed_in_the_unit_of_its_figure(opened: Opener) -> None:
    page = opened()
    page.get_by_text("Targets and cost", exact=True).click()
    page.get_by_label("TPOT within").press_sequentially("12.5")
    expect(page.get_by_label("TPOT within")).to_have_value("12.5")
    expect(page).to_have_url(re.compile(r"tpot=0\.0125"))
    expect(page.locator(".tile.missed")).to_contain_text("beyond target")
    for label, typed, kept in (
        ("TTFT within", "500 ms", "0.5"),
        ("TPOT within", "0.02 s", "20"),
        ("Budget of plans", "$20", "20"),
    ):
        page.get_by_label(label).fill(typed)
        expect(page.get_by_label(label)).to_have_value(kept)
    page.get_by_label("TPOT within").fill("12.5")
    expect(page).to_have_url(re.compile(r"tpot=0\.0125"))
    again = opened(page.url.partition("/?")[1] + page.url.partition("/?")[2])
    again.get_by_text("Targets and cost").click()
    expect(again.get_by_label("TPOT within")).to_have_value("12.5")


def test_release_and_memory_are_part_of_the_question(opened: Opener, service: Service) -> None:
    page = opened("/?v=1&ev=0.11.0&mem=60")
    hardware = {**EXAMPLE["hardware"], "gpu_memory_bytes": 60 * GIB}
    body = {**EXAMPLE, "hardware": hardware, "engine": {**EXAMPLE["engine"], "version": "0.11.0"}}
    plan = planned(service, body, ask(service, "/api/serving_estimate", body))
    expect(tile(page, "Max concurrent")).to_have_text(f"{plan['sequences_that_fit']:,}")
    expect(page.locator(".basis")).to_contain_text("Rules of vllm 0.11")


def test_a_late_answer_does_not_replace_a_newer_one(opened: Opener, service: Service) -> None:
    page = opened()
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/api/serving_estimate", hold_the_first)
    with page.expect_request("**/api/serving_estimate"):
        page.get_by_label("Input").fill("2048")
    page.get_by_label("Input").fill("4096")
    workload = {**EXAMPLE["workload"], "input_tokens": 4096}
    served = ask(service, "/api/serving_estimate", {**EXAMPLE, "workload": workload})
    expect(tile(page, "TTFT")).to_have_text(shown_time(served["ttft_s"]))
    held[0].fulfill(json={**served, "ttft_s": 99.0})
    page.wait_for_timeout(300)
    expect(tile(page, "TTFT")).to_have_text(shown_time(served["ttft_s"]))


def test_a_model_is_found_by_search(opened: Opener) -> None:
    page = opened()
    page.get_by_role("combobox", name="Model name").click()
    page.keyboard.type("235b Qwen3 a22")
    options = page.get_by_role("option")
    expect(options.first).to_contain_text("qwen3-235b-a22b")
    expect(page.locator("#verdict")).to_contain_text("Fits")
    options.first.click()
    expect(page.get_by_role("combobox", name="Model name")).to_have_value("qwen3-235b-a22b")
    expect(card(page, "computed")).to_contain_text("235,093,634,560")


@pytest.mark.parametrize("name", ["Qwen/Qwen3-30B-A3B", "QWEN3_30B"])
def test_a_model_goes_by_any_of_its_names(opened: Opener, name: str) -> None:
    page = opened()
    page.get_by_role("combobox", name="Model name").fill(name)
    expect(card(page, "computed")).to_contain_text("30,532,122,624")
    expect(field(page, "Model name").locator(".hint")).to_contain_text("30.5B parameters, 3.35B active")


def test_a_config_can_be_pasted_and_travels_in_the_link(opened: Opener, service: Service) -> None:
    config: dict[str, Any] = {**load_catalogs().model("llama2-7b").config}
    page = opened("/?g=a100-80gb-sxm&n=1&w=")
    page.get_by_role("button", name="File").click()
    page.get_by_label("Content of config.json").fill(json.dumps(config))
    expect(card(page, "computed")).to_contain_text("6,738,415,616")
    expect(page).to_have_url(re.compile("#"))
    again = opened(page.url.removeprefix(service.url))
    expect(card(again, "computed")).to_contain_text("6,738,415,616")


def test_what_a_config_says_beyond_what_is_understood_stands_in_the_verdict(opened: Opener) -> None:
    page = opened("/?g=a100-80gb-sxm&n=1&w=")
    expect(page.locator(".verdict")).not_to_contain_text("approximate")
    page.get_by_role("button", name="File").click()
    config = {**load_catalogs().model("llama2-7b").config, "memory_layers": [3, 4]}
    page.get_by_label("Content of config.json").fill(json.dumps(config))
    expect(page.locator(".verdict")).to_contain_text("Sizes are approximate")
    expect(card(page, "wrong")).to_contain_text("memory_layers is not understood")


def test_a_model_of_a_shorter_context_is_started_with_its_own(opened: Opener) -> None:
    page = opened("/?n=1&w=")
    page.get_by_role("combobox", name="Model name").fill("llama2-7b")
    page.keyboard.press("Enter")
    expect(page.locator("#f-len")).to_have_value("4096")
    expect(page.locator("#verdict")).to_contain_text("Fits")
    page = opened("/?n=1&w=&m=llama2-7b")
    page.get_by_role("button", name="Start the engine with 4096 tokens of context").click()
    expect(page.locator("#verdict")).to_contain_text("Fits")


def test_a_config_goes_to_the_service_as_published(opened: Opener) -> None:
    more = {"time_step_limit": [0.0, float("inf")], "id": 2**63 + 1, "note": 'a "\\ Infinity  b'}
    config = {**load_catalogs().model("llama2-7b").config, **more}
    page = opened("/?n=1&w=")
    page.get_by_role("button", name="File").click()
    with page.expect_request("**/api/inspect_model") as sent:
        page.get_by_label("Content of config.json").fill(json.dumps(config, indent=4))
    assert json.loads(sent.value.post_data or "")["model"] == {"hf_config": config}
    expect(card(page, "computed")).to_contain_text("6,738,415,616")


def test_a_quantizers_file_beside_a_config_goes_with_it(
    opened: Opener, service: Service, tmp_path: Path
) -> None:
    config = load_catalogs().model("llama2-7b").config
    beside = {"quantization": {"quant_algo": "FP8", "exclude_modules": ["lm_head"]}}
    files = {"config.json": config, "hf_quant_config.json": beside}
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    page = opened("/?g=a100-80gb-sxm&n=1&w=")
    page.get_by_role("button", name="File").click()
    chosen = page.get_by_label("Or a config.json or GGUF file")
    chosen.set_input_files(tmp_path / "hf_quant_config.json")
    expect(page.get_by_role("alert").first).to_contain_text("belongs to a config.json: choose both")
    chosen.set_input_files([tmp_path / name for name in files])
    expect(page.locator(".pasted")).to_contain_text("config.json with hf_quant_config.json")
    expect(card(page, "computed")).to_contain_text("fp8")
    expect(page).to_have_url(re.compile("#"))
    again = opened(page.url.removeprefix(service.url))
    expect(again.locator(".pasted")).to_contain_text("config.json with hf_quant_config.json")
    body = requests_of(page.url)[0].serving_estimate
    assert body["model"] == {"hf_config": config, "quantization_files": {"hf_quant_config.json": beside}}


def test_the_header_of_a_gguf_file_is_read(opened: Opener, tmp_path: Path) -> None:
    page = opened("/?n=1&g=l4&e=llama.cpp&len=2048&c=1&i=128&o=64")
    page.get_by_role("button", name="File").click()
    page.get_by_label("Or a config.json or GGUF file").set_input_files(write_llama(tmp_path / "tiny.gguf"))
    expect(card(page, "computed")).to_contain_text(f"{llama_parameters():,}")
    expect(page.locator(".pasted")).to_contain_text("tiny.gguf header of a GGUF file")
    expect(page.locator("#verdict")).to_contain_text("Fits")


def test_a_file_can_be_dropped_on_the_form(opened: Opener) -> None:
    page = opened("/?n=1&w=bf16&g=a100-80gb-sxm")
    text = json.dumps({**load_catalogs().model("llama2-7b").config})
    dropped = page.evaluate_handle(
        """(text) => {
          const data = new DataTransfer();
          data.items.add(new File([text], "config.json"));
          return data;
        }""",
        text,
    )
    page.dispatch_event("form.scenario", "drop", {"dataTransfer": dropped})
    expect(card(page, "computed")).to_contain_text("6,738,415,616")


def test_what_is_no_config_is_told_at_its_field(opened: Opener) -> None:
    page = opened()
    page.get_by_role("button", name="File").click()
    page.get_by_label("Content of config.json").fill('{"hidden_size": 4096')
    expect(page.get_by_role("alert")).to_contain_text("no config.json")
    page.get_by_label("Content of config.json").fill('{"hidden_size": 4096}')
    expect(page.get_by_role("alert").first).to_contain_text("num_attention_heads is missing")


def test_a_model_by_its_dimensions(opened: Opener) -> None:
    page = opened("/?n=1&w=bf16&g=a100-40gb-sxm&c=1&len=2048")
    page.get_by_role("button", name="Dimensions").click()
    expect(card(page, "computed")).to_contain_text("6,738,415,616")
    page.get_by_label("Layers").fill("")
    expect(field(page, "Layers").get_by_role("alert")).to_contain_text("num_layers")
    page.get_by_label("Layers").fill("40")
    expect(card(page, "computed")).to_contain_text("8,357,482,496")


def test_a_wrong_value_is_told_at_its_field_and_the_last_answer_stays(opened: Opener) -> None:
    page = opened()
    before = tile(page, "TTFT").inner_text()
    page.get_by_text("Layout, memory and cache").click()
    page.get_by_label("Tensor parallel").fill("3")
    expect(field(page, "How many").get_by_role("alert")).to_contain_text("tensor x pipeline x data")
    expect(tile(page, "TTFT")).to_have_text(before)
    page.get_by_label("Tensor parallel").fill("2")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_role("combobox", name="Model name").fill("lama-3.1-70b")
    page.get_by_role("combobox", name="Model name").press("Enter")
    expect(field(page, "Model name").get_by_role("alert")).to_contain_text("llama-3.1-70b")
    expect(page.get_by_role("combobox", name="Model name")).to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize(
    ("label", "typed", "told"),
    [
        ("GPU memory share", "1.5", "less than or equal to 1"),
        ("Input", "-4", "greater than or equal to 1"),
        ("Input", "many", "whole number"),
        ("Longest context", "0", "greater than or equal to 1"),
    ],
)
def test_values_are_refused_where_they_stand(opened: Opener, label: str, typed: str, told: str) -> None:
    page = opened()
    page.get_by_text("Layout, memory and cache").click()
    field(page, label).get_by_role("textbox").fill(typed)
    expect(field(page, label).get_by_role("alert")).to_contain_text(told)


def test_a_first_refusal_shows_no_dashes_and_names_fields_as_they_stand(opened: Opener) -> None:
    page = opened("/?v=1&ep=8")
    verdict = page.locator(".verdict")
    expect(verdict).to_contain_text("each is 1 beside expert parallel, give tensor parallel as well")
    expect(page.locator(".tile, .answers .card:not(.verdict)")).to_have_count(0)


def test_a_gpu_goes_by_its_name_with_maker_and_memory(opened: Opener) -> None:
    page = opened("/?v=1&m=llama-3.1-8b&w=&n=1&g=NVIDIA GeForce RTX 4090 24GB&len=4096&c=1")
    expect(field(page, "GPU").locator(".hint")).to_contain_text("GeForce RTX 4090: 24 GB")
    expect(tile(page, "Cost")).to_contain_text("$")


def test_what_does_not_fit_has_no_speed_and_says_what_would_fit(opened: Opener) -> None:
    page = opened("/?v=1&w=bf16&n=1&len=8192")
    expect(page.locator("#verdict")).to_contain_text("Does not fit")
    expect(page.locator(".tile")).to_have_count(0)
    expect(card(page, "throughput")).to_contain_text("no speed is shown for what memory cannot hold")
    page.emulate_media(media="print")
    expect(page.locator(".printed")).to_contain_text("llama-3.1-70b")
    expect(page.locator(".changes button").first).to_be_visible()
    expect(page.get_by_role("button", name="Share")).to_be_hidden()
    page.emulate_media(media="screen")
    page.locator(".changes button").first.click()
    expect(page.locator("#verdict")).not_to_contain_text("Does not fit")
    expect(tile(page, "TTFT")).not_to_have_text("—")


def test_weights_that_lie_with_the_host_are_told_at_once(opened: Opener, service: Service) -> None:
    page = opened("/?v=1&m=qwen3-32b&w=q8_0&g=rtx-4090&n=1&e=llama.cpp&len=8192&c=1")
    body = {
        "model": {"name": "qwen3-32b"},
        "precision": {"weights": "q8_0", "kv_cache": "fp16"},
        "hardware": {"gpu": "rtx-4090"},
        "engine": {"name": "llama.cpp", "n_ctx": 8192},
        "workload": {**EXAMPLE["workload"], "concurrency": 1},
    }
    beside = ask(service, "/api/memory_plan", body)["per_gpu"]["host_weights_bytes"] / GIB
    # 32.8 billion parameters of 8.5 bits are 32.4 GiB; the GPU has 23.5, of which the context takes 2.
    assert beside > 9
    expect(page.locator("#verdict")).to_contain_text(f"{exact(beside)} GiB of weights with the host")


def test_requests_that_wait_still_have_a_speed(opened: Opener, service: Service) -> None:
    page = opened("/?v=1&c=1000")
    workload = {**EXAMPLE["workload"], "concurrency": 1000}
    served = ask(service, "/api/serving_estimate", {**EXAMPLE, "workload": workload})
    expect(page.locator("#verdict")).to_contain_text("Does not hold all at once")
    expect(tile(page, "TTFT")).to_have_text(shown_time(served["ttft_s"]))


def test_single_changes_say_what_they_would_do(opened: Opener, service: Service) -> None:
    page = opened()
    body = {**EXAMPLE, "hardware": {"gpu": "h100-80gb-sxm", "count": 4}}
    now, then = ask(service, "/api/serving_estimate", EXAMPLE), ask(service, "/api/serving_estimate", body)
    line = page.locator(".variants tr", has=page.get_by_role("button", name="4 GPUs instead of 2"))
    expect(line).to_contain_text(f"{shown_time(now['tpot_s'])} → {shown_time(then['tpot_s'])}")
    line.get_by_role("button").click()
    expect(tile(page, "TPOT")).to_have_text(shown_time(then["tpot_s"]))
    expect(page.get_by_label("How many")).to_have_value("4")
    page.go_back()
    expect(tile(page, "TPOT")).to_have_text(shown_time(now["tpot_s"]))


@pytest.mark.parametrize(
    "change", ["Weights in fp8", "Weights in int4-awq", "KV cache in fp8", "2 GPUs instead of 1"]
)
def test_a_single_change_does_what_it_says(opened: Opener, change: str) -> None:
    page = opened("/?v=1&m=llama-3.1-8b&w=bf16&n=1&c=200")
    line = page.locator(".variants tr", has=page.get_by_role("button", name=change))
    told = line.locator("td").nth(1).inner_text().split(" → ")[-1].removesuffix(" ▾")
    held = line.locator("td").nth(4).inner_text().split(" → ")[-1].removesuffix(" ▾")
    line.get_by_role("button").click()
    value = "" if told == "same" else told.split()[0]
    expect(tile(page, "TPOT")).to_have_text(re.compile(f"^{re.escape(value)}"))
    expect(tile(page, "Max concurrent")).to_have_text(re.compile("" if held == "same" else f"^{held}$"))


def test_arrivals_beyond_what_is_served_are_told(opened: Opener) -> None:
    page = opened("/?v=1&load=r&r=50")
    expect(page.locator("#verdict")).to_contain_text("Overloaded")
    expect(page.locator("#verdict")).to_contain_text("50 requests a second are asked")
    expect(tile(page, "TTFT")).to_have_text("—")
    expect(page.locator(".tile").first).to_contain_text("grows without end")


def test_after_a_refusal_nothing_of_the_new_scenario_is_claimed(opened: Opener) -> None:
    page = opened()
    cost = tile(page, "Cost").inner_text()
    page.get_by_label("How many").fill("3")
    expect(page.locator("#verdict")).to_contain_text("Not answered")
    expect(field(page, "How many").get_by_role("alert")).to_contain_text("64")
    expect(tile(page, "Cost")).to_have_text(cost)
    expect(page.locator(".verdict")).to_contain_text("last scenario that was answered")
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_role("button", name="Copy Markdown")).to_be_disabled()
    expect(page.get_by_role("button", name="Answers as JSON")).to_be_disabled()


@pytest.mark.parametrize(("label", "typed"), [("Price of a GPU", "-5"), ("TTFT within", "soon")])
def test_what_only_the_page_reads_is_refused_too(opened: Opener, label: str, typed: str) -> None:
    page = opened()
    page.get_by_text("Targets and cost", exact=True).click()
    field(page, label).get_by_role("textbox").fill(typed)
    expect(field(page, label).get_by_role("alert")).to_contain_text("must be a number of 0 or more")


def test_an_empty_number_of_gpus_is_one(opened: Opener, service: Service) -> None:
    page = opened("/?v=1&m=llama-3.1-8b&n=")
    body = {**EXAMPLE, "model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm"}}
    served = ask(service, "/api/serving_estimate", body)
    expect(tile(page, "TTFT")).to_have_text(shown_time(served["ttft_s"]))
    expect(tile(page, "Cost")).to_have_text(f"${3.99 / 3600 / served['output_tokens_per_s'] * 1e6:.2f}")


def test_numbers_stay_when_the_service_goes_away(browser: Browser) -> None:
    with running() as own:
        page = browser.new_page()
        page.goto(own.url)
        expect(page.locator(".verdict[aria-busy=false]")).to_be_visible()
        before = tile(page, "TTFT").inner_text()
        own.stop()
        page.get_by_label("Input").fill("2048")
        expect(page.get_by_role("alert")).to_contain_text("The calculator process does not answer.")
        expect(page.get_by_role("alert")).to_contain_text("The numbers below are from")
        expect(tile(page, "TTFT")).to_have_text(before)
        with running((*SERVE[:-1], str(own.port))):
            expect(page.locator("#verdict")).to_contain_text("Fits")
            expect(tile(page, "TTFT")).not_to_have_text(before)
        page.close()


def test_one_press_begins_and_words_are_explained(opened: Opener) -> None:
    page = opened(width=360)
    page.get_by_role("button", name="My PC or Mac").click()
    expect(page).to_have_url(re.compile(r"e=llama\.cpp"))
    expect(page.get_by_role("button", name="My PC or Mac")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Rented GPUs")).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".answers .grid > section").first).to_contain_text("Which quantization fits?")
    page.get_by_role("button", name="What do these words mean?").click()
    expect(page.get_by_role("dialog")).to_contain_text("time per output token")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="An API service").click()
    expect(page.locator(".answers .grid > section").first).to_contain_text("Plans")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
