"""The link is the whole state: it opens the same answer, survives a round trip, and says what it does not know."""

import json
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect

from llm_calc.adapters.links import link_defaults_text, requests_of
from tests.adapters.gguf_files import write_llama
from tests.command import run
from tests.page.conftest import Opener
from tests.page.reading import ask, card, shown_time, tile, until
from tests.process import Service

pytestmark = pytest.mark.browser
LINKS = json.loads(link_defaults_text())
DEFAULTS: dict[str, str] = LINKS["defaults"]

texts = st.text(st.characters(codec="utf-8"), max_size=12)
FEW = {"load": st.sampled_from(list(LINKS["load_fields"])), "e": st.sampled_from(list(LINKS["engine_flags"]))}
scenarios = st.fixed_dictionaries({**dict.fromkeys(DEFAULTS, texts), **FEW})
views = st.fixed_dictionaries(dict.fromkeys(LINKS["view"], texts))
sources = st.none() | st.fixed_dictionaries({"kind": st.just("config"), "name": texts, "content": texts})


@pytest.fixture(scope="module")
def blank(browser: Browser, service: Service) -> Page:
    page = browser.new_page()
    page.goto(service.url)
    expect(page.locator(".verdict[aria-busy=false]")).to_be_visible()
    return page


ROUND_TRIP = """async ({scenarios, sources, view, module}) => {
  const {toLink, fromLink} = await import(module);
  const link = new URL(toLink(scenarios, sources, view, "2026-01-01-abc"), "http://127.0.0.1/");
  return fromLink(link.search, link.hash);
}"""


@settings(max_examples=60)
@given(st.lists(st.tuples(scenarios, sources), min_size=1, max_size=4), views)
def test_any_state_survives_a_link(
    blank: Page, states: list[tuple[dict[str, str], Any]], view: dict[str, str]
) -> None:
    module = module_of(blank, "url.js")
    given_scenarios, given_sources = [each for each, _ in states], [each for _, each in states]
    found = blank.evaluate(
        ROUND_TRIP, {"scenarios": given_scenarios, "sources": given_sources, "view": view, "module": module}
    )
    assert found == {
        "scenarios": given_scenarios,
        "sources": given_sources,
        "view": view,
        "unknown": [],
        "broken": False,
        "data": "2026-01-01-abc",
    }


# Texts of a form's fields that are numbers, as people type them, or nothing.
counts = st.one_of(st.just(""), st.integers(1, 10**6).map(str), st.integers(1000, 10**6).map("{:,}".format))
shares = st.one_of(st.just(""), st.floats(0.01, 0.99).map(lambda value: f"{value:.3g}"))
CHOICES = {
    "m": st.sampled_from(["llama-3.1-8b", "custom", "Qwen/Qwen3-235B-A22B"]),
    **FEW,
    "w": st.sampled_from(["", "bf16", "int4-awq"]),
    "kv": st.sampled_from(["auto", "fp8"]),
    "g": st.sampled_from(["l4", "mi300x"]),
    **dict.fromkeys(["px", "util", "r", "ttft", "tpot", "usd"], shares),
    "json": st.sampled_from(
        [
            "",
            '{"workload": {"concurrency": null, "offline": true}, "kv_tiers": []}',
            ' {"engine": {"x": [1.5]}} ',
        ]
    ),
    "day.rates_per_s": st.sampled_from(["", "1, 2.5,,1e1"]),
    "engine.enforce_eager": st.sampled_from(["", "true", "false", "7"]),
}
filled = st.fixed_dictionaries({key: CHOICES.get(key, counts) for key in DEFAULTS})
configs = st.none() | st.just(
    {"kind": "config", "name": "x", "content": '{"model_type":"llama","a":[1.5,Infinity]}'}
)

ASKED = """async ({scenarios, sources, links, requests}) => {
  const [{toLink}, {deployment, textOf}] = [await import(links), await import(requests)];
  const of = (to) => scenarios.map((each, at) => textOf(deployment(each, sources[at], "fp8", to)));
  return {link: `http://127.0.0.1/${toLink(scenarios, sources)}`, estimate: of("estimate"), memory: of("memory")};
}"""


def module_of(page: Page, name: str) -> str:
    """The address of a script of the page."""
    found = page.locator(f"link[rel=modulepreload][href$='page/{name}']").evaluate("each => each.href")
    return str(found)


@settings(max_examples=60)
@given(st.lists(st.tuples(filled, configs), min_size=1, max_size=4))
def test_links_are_read_elsewhere_as_the_page_asks_them(
    blank: Page, states: list[tuple[dict[str, str], Any]]
) -> None:
    asked = blank.evaluate(
        ASKED,
        {
            "scenarios": [each for each, _ in states],
            "sources": [each for _, each in states],
            "links": module_of(blank, "url.js"),
            "requests": module_of(blank, "requests.js"),
        },
    )
    read = requests_of(asked["link"])
    for to in ("estimate", "memory"):
        assert [each.deployment("fp8", to) for each in read] == [json.loads(body) for body in asked[to]]


def test_a_link_opens_the_same_answer(opened: Opener, service: Service) -> None:
    page = opened()
    page.get_by_label("Input").fill("4096")
    expect(page).to_have_url(re.compile("i=4096"))
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Copy link").click()
    link = page.evaluate("navigator.clipboard.readText()")
    assert "data=" in link
    page.locator("dialog[open]").get_by_role("button", name="Close").click()
    expect(page.locator(".verdict[aria-busy=false]")).to_be_visible()
    again = opened(link.removeprefix(service.url))
    expect(again.get_by_label("Input")).to_have_value("4096")
    expect(tile(again, "TTFT")).to_have_text(tile(page, "TTFT").inner_text())
    expect(again.get_by_text("The data changed")).to_have_count(0)


def test_the_example_has_the_shortest_link(opened: Opener, service: Service) -> None:
    page = opened()
    expect(page.get_by_text("Example", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Rented GPUs")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Input").fill("2048")
    expect(page).to_have_url(f"{service.url}/?v=1&i=2048")
    page.get_by_label("Input").fill("1024")
    expect(page).to_have_url(f"{service.url}/")


def test_numbers_and_names_are_taken_as_people_type_them(opened: Opener, service: Service) -> None:
    page = opened()
    page.get_by_label("Input").fill("4k")
    expect(page.get_by_label("Input")).to_have_value("4096")
    page.locator("#f-g").fill("8x h200")
    page.locator("#f-g").press("Enter")
    expect(page).to_have_url(f"{service.url}/?v=1&g=h200&n=8&i=4096")
    page.locator("#f-m").fill("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic")
    page.locator("#f-m").press("Enter")
    expect(page.locator("#f-m-help")).to_contain_text("with weights in fp8, as its name says")


def test_unknown_parts_of_a_link_are_told(opened: Opener) -> None:
    page = opened("/?v=1&zz=9#%%%")
    expect(page.get_by_text("zz=9, the part after #")).to_be_visible()
    page = opened("/?v=1&load=foo&e=bar#WzFd")
    expect(page.get_by_text("load=foo, e=bar, the part after #")).to_be_visible()
    page = opened("/?v=7")
    expect(page.get_by_text("v=7")).to_be_visible()


@pytest.mark.parametrize(
    "link",
    [
        "json=" + quote('{"constructor":{"entries":null,"fromEntries":1}}'),
        "g=" + quote("__proto__.toString") + "&owner.purchase_usd.*=9",
    ],
)
def test_a_link_changes_nothing_but_the_request(opened: Opener, link: str) -> None:
    page = opened(f"/?v=1&{link}")
    kinds = page.evaluate(
        "[typeof Object.entries, typeof Object.fromEntries, typeof Object.prototype.toString]"
    )
    assert kinds == ["function"] * 3


def test_how_it_is_looked_at_is_in_the_link(opened: Opener, service: Service) -> None:
    page = opened("/?v=1&b.g=h200-141gb-sxm")
    page.locator(".tab button:not(.close)").nth(1).click()
    card(page, "throughput").get_by_role("button", name="TPOT").click()
    card(page, "fit").get_by_role("button", name="TTFT").click()
    card(page, "plans").get_by_label("Best in").select_option("TTFT")
    expect(page).to_have_url(re.compile("by=ttft"))
    again = opened(page.url.removeprefix(service.url))
    expect(again.get_by_role("combobox", name="GPU")).to_have_value("h200-141gb-sxm")
    for name, choice in (("throughput", "TPOT"), ("fit", "TTFT")):
        pressed = card(again, name).get_by_role("button", name=choice)
        expect(pressed).to_have_attribute("aria-pressed", "true")
    expect(card(again, "plans").get_by_label("Best in")).to_have_value("ttft")


def test_changed_data_is_told(opened: Opener) -> None:
    page = opened("/?v=1&data=2020-01-01-00000000")
    expect(page.get_by_text("The data changed since this link was made (2020-01-01-00000000")).to_be_visible()


def test_a_file_too_long_for_a_link_is_asked_for_again(
    opened: Opener, service: Service, tmp_path: Path
) -> None:
    page = opened("/?n=1&g=l4&e=llama.cpp&len=2048&c=1&i=128&o=64")
    page.get_by_role("button", name="File").click()
    field = page.get_by_label("Or a config.json or GGUF file")
    field.set_input_files(write_llama(tmp_path / "tiny.gguf", tokens=170_000))
    expect(page.locator("#verdict")).to_contain_text("Fits")
    expect(page).to_have_url(re.compile("#"))
    assert len(page.url) < 5000
    expect(page.get_by_text("ends before the list of tensors")).to_have_count(0)
    again = opened(page.url.removeprefix(service.url))
    expect(again.get_by_role("alert").first).to_contain_text(
        "tiny.gguf was too long for the link: choose it again"
    )


def test_the_command_gives_the_answer_of_the_page(opened: Opener) -> None:
    page = opened("/?v=1&i=3000&b.g=h200-141gb-sxm")
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Copy command line").click()
    program, *arguments = shlex.split(page.evaluate("navigator.clipboard.readText()"))
    assert program == "llm-calc"
    ended = run(*arguments, "--json")
    assert ended.exit_code == 0, ended.output
    expect(tile(page, "TTFT")).to_have_text(shown_time(json.loads(ended.stdout)["ttft_s"]))


def test_curl_gives_the_answer_of_the_page(opened: Opener, service: Service) -> None:
    page = opened("/?v=1&e=sglang&util=0.8&px=0.3")
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Copy curl").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    body = json.loads(copied.split("-d '", 1)[1].rsplit("'", 1)[0])
    assert body["engine"] == {"name": "sglang", "context_length": 16384, "mem_fraction_static": 0.8}
    served = ask(service, "/api/serving_estimate", body)
    expect(tile(page, "TTFT")).to_have_text(shown_time(served["ttft_s"]))


def test_back_undoes_a_preset(opened: Opener) -> None:
    page = opened()
    page.get_by_role("button", name="RAG").click()
    expect(page).to_have_url(re.compile("i=2944"))
    page.go_back()
    expect(page.get_by_label("Input")).to_have_value("1024")


def test_sessions_are_one_press_away_and_mean_the_same_elsewhere(opened: Opener, service: Service) -> None:
    page = opened("/?v=1&m=llama-3.1-8b&s=4")
    page.get_by_role("button", name="Coding agent").click()
    expect(page.locator("#f-st")).to_have_value("50")
    expect(page).to_have_url(re.compile("load=s"))
    (asked,) = requests_of(page.url)
    assert asked.serving_estimate["workload"]["sessions"]["turns"] == 50
    served = ask(service, "/api/serving_estimate", asked.serving_estimate)
    expect(tile(page, "TTFT")).to_have_text(shown_time(served["ttft_s"]))
    later = shown_time(served["sessions"]["later_turns_ttft_s"])
    expect(page.locator(".verdict")).to_contain_text(f"later {later}")
    page.get_by_label("In all prompts").fill("99999")
    expect(page.get_by_role("alert").first).to_contain_text("must be below input_tokens")


def test_what_the_service_lists_is_asked_shown_and_linked(opened: Opener, service: Service) -> None:
    page = opened("/?v=1&m=llama-3.1-8b&w=&n=1")
    page.locator("summary", has_text="More: drafts").click()
    page.locator("summary", has_text="Adapters (LoRA)").click()
    page.get_by_role("textbox", name="At once in adapters").fill("4")
    page.get_by_label("Rank", exact=True).fill("32")
    expect(page).to_have_url(re.compile(r"lora\.adapters=4&lora\.rank=32"))
    (asked,) = requests_of(page.url)
    assert asked.serving_estimate["lora"] == asked.memory_plan["lora"] == {"adapters": 4, "rank": 32}
    served = ask(service, "/api/serving_estimate", asked.serving_estimate)
    expect(tile(page, "TTFT")).to_have_text(shown_time(served["ttft_s"]))
    each = f"{served['lora']['adapter_bytes'] / 2**30:.3g}"
    expect(page.locator(".verdict")).to_contain_text(f"Adapters (LoRA): {each}")
    expect(page.locator(".variants")).to_contain_text("Without: Adapters (LoRA)")
    expect(page.locator("summary", has_text="Adapters (LoRA)")).to_contain_text("2 set")
    page.get_by_label("Rank", exact=True).fill("-1")
    expect(page.locator("[id='f-lora.rank-help']")).to_contain_text("must be greater than or equal to 1")
    page.get_by_label("Anything else, as JSON").fill('{"lora": ')
    expect(page.locator("#f-json-help")).to_contain_text("must be a JSON object")


def test_a_machine_of_ones_own_is_answered_after_every_press(opened: Opener) -> None:
    page = opened()
    page.get_by_role("button", name="My PC or Mac").click()
    for name in ("Chat", "RAG", "Voice"):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page).to_have_url(re.compile("px=0"))
        expect(page.locator(".verdict[aria-busy=false]")).not_to_contain_text("Not answered")
    page = opened("/?v=1&m=qwen3-8b&w=")
    page.get_by_role("combobox", name="GPU").fill("m4 max 64gb")
    page.keyboard.press("Enter")
    expect(page.locator("#f-e")).to_have_value("llama.cpp")
    expect(page.locator("#f-n")).to_have_value("1")
    expect(page.locator(".verdict[aria-busy=false]")).to_contain_text("on each GPU")


def test_recent_scenarios_stay_in_the_browser(opened: Opener) -> None:
    page = opened()
    page.get_by_label("Input").fill("3000")
    until(page, "(localStorage.getItem('llm-calc.recent') ?? '').includes('i=3000')")
    page.get_by_role("button", name="Share").click()
    entry = page.locator("dialog").get_by_role("link", name=re.compile("3,000 in"))
    assert "i=3000" in unquote(entry.get_attribute("href") or "")
    page.get_by_role("button", name="Forget").click()
    expect(entry).to_have_count(0)
    assert page.evaluate("document.cookie") == ""


def test_scenarios_stand_side_by_side(opened: Opener, service: Service) -> None:
    page = opened()
    page.get_by_role("button", name="+ Compare").click()
    page.get_by_role("combobox", name="GPU").fill("h200-141gb-sxm")
    table = card(page, "compare")
    expect(table).to_contain_text("H200 SXM 141GB")
    expect(table).to_contain_text("about the same")
    # Both ends of a range in the unit of its figure.
    assert not re.search(r"[\d.]\sms to [\d.]+\ss", table.inner_text())
    expect(table).to_contain_text("more expensive")
    expect(page).to_have_url(re.compile(r"b\.g=h200-141gb-sxm"))
    expect(card(page, "throughput").locator(".legend")).to_contain_text("H100 SXM")
    again = opened(page.url.removeprefix(service.url))
    expect(card(again, "compare")).to_contain_text("H200 SXM 141GB")
    for _ in range(2):
        again.get_by_role("button", name="+ Compare").click()
    expect(again.get_by_role("button", name="+ Compare")).to_have_count(0)
    again.get_by_role("button", name="Remove scenario 4").click()
    expect(again.get_by_role("button", name="+ Compare")).to_be_visible()


def test_a_value_that_a_later_one_takes_the_place_of_is_told(opened: Opener) -> None:
    page = opened("/?v=1&m=llama-3.1-8b&m=qwen3-8b&n=1")
    expect(page.locator("#f-m")).to_have_value("qwen3-8b")
    expect(page.locator(".card.warning")).to_contain_text("said again: m=llama-3.1-8b")
    expect(page).not_to_have_url(re.compile("llama"))


def test_a_context_below_the_request_is_lengthened_by_one_press(opened: Opener) -> None:
    page = opened("/?v=1&i=20000")
    longer = page.get_by_role("button", name=re.compile("^4 GPUs, started with 20,512 tokens"))
    longer.click()
    expect(page.locator("#f-len")).to_have_value("20512")
    expect(page.locator("#f-n")).to_have_value("4")
    expect(page.locator(".verdict")).to_contain_text("Fits")
