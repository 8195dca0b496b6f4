"""Links of the page on the command line: the page's own answer, with options over it."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.command import run

LINK = "http://127.0.0.1:8000/?v=1&m=llama-3.1-8b&n=1&c=4&b.g=l40s"
BODY: dict[str, Any] = {
    "model": {"name": "llama-3.1-8b"},
    "precision": {"weights": "fp8", "kv_cache": "auto"},
    "hardware": {"gpu": "h100-80gb-sxm", "count": 1},
    "engine": {"name": "vllm", "max_model_len": 16384},
    "workload": {"input_tokens": 1024, "output_tokens": 512, "concurrency": 4},
}
OTHER = {**BODY, "hardware": {"gpu": "l40s", "count": 1}}


def answered(*arguments: object) -> Any:
    """The JSON of a command that ends well."""
    ended = run(*arguments, "--json")
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


def test_an_estimate_is_the_services(client: TestClient) -> None:
    assert answered("estimate", "--link", LINK) == client.post("/api/serving_estimate", json=BODY).json()
    other = answered("estimate", "--link", LINK, "--scenario", "B")
    assert other == client.post("/api/serving_estimate", json=OTHER).json()


def test_the_memory_is_that_of_the_estimates_cache_as_on_the_page(client: TestClient) -> None:
    kept = client.post("/api/serving_estimate", json=BODY).json()["resolved"]["kv_cache"]
    assert kept == "fp8"
    body = {**BODY, "precision": {"weights": "fp8", "kv_cache": kept}}
    assert answered("memory", "--link", LINK) == client.post("/api/memory_plan", json=body).json()
    named = answered("memory", "--link", LINK, "--kv-cache", "bf16")
    assert named["kv_cache"]["format"] == "bf16"


def test_all_scenarios_are_compared(client: TestClient) -> None:
    scenarios = [{**BODY, "label": "A"}, {**OTHER, "label": "B"}]
    served = client.post("/api/compare", json={"scenarios": scenarios}).json()
    assert answered("compare", "--link", LINK) == served


def test_options_go_over_a_link() -> None:
    changed = answered("estimate", "qwen3-8b", "--link", LINK, "-c", 9, "--set", "engine.max_num_seqs=8")
    assert changed["resolved"]["model"] == "qwen3-8b"
    assert 1 < changed["resolved"]["running_sequences"] <= 8


def test_a_link_may_come_from_stdin() -> None:
    ended = run("estimate", "--link", "-", "--json", given=f"{LINK}\n")
    assert json.loads(ended.stdout) == answered("estimate", "--link", LINK)


def test_the_links_price_is_the_cost() -> None:
    assert (
        "$1.25 an hour; $1.25 a GPU (the request's own price)"
        in run("estimate", "--link", f"{LINK}&usd=1.25").stdout
    )
    assert "RunPod, 2026" in run("estimate", "--link", LINK).stdout


def test_unknown_parts_are_told_beside_the_answer() -> None:
    ended = run("estimate", "--link", f"{LINK}&foo=1", "--json")
    said = "Warning: link: w is not said, which is fp8 to the page; w= is the published format\n"
    assert ended.stderr == f"Warning: link: not known here, ignored: foo=1\n{said}"
    assert json.loads(ended.stdout) == answered("estimate", "--link", LINK)


def test_a_key_that_is_said_again_is_no_unknown_one() -> None:
    ended = run("estimate", "--link", "/?v=1&m=llama-3.1-8b&m=qwen3-8b&g=l40s&w=", "--json")
    said = "'m' is said again: 'qwen3-8b' takes the place of 'llama-3.1-8b'"
    assert ended.stderr.startswith(f"Warning: link: {said}\n")
    assert "not known here" not in ended.stderr


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("&e=llama.cpp&w=&util=0.8", "util=0.8 changes nothing: llama.cpp has no such option"),
        ("&r=7", "r=7 changes nothing: the load is c"),
        ("&st=3", "st=3 changes nothing: the load is c"),
        ("&dh=64", "dh=64 changes nothing: the model has a name"),
        ("&b.sp=9", "b.sp=9 changes nothing: the load is c"),
    ],
)
def test_what_nothing_reads_beside_the_rest_is_told(more: str, said: str) -> None:
    assert f"Warning: link: {said}\n" in run("memory", "--link", LINK + more, "--json").stderr


def test_what_one_scenario_reads_is_not_said_in_vain() -> None:
    ended = run("memory", "--link", f"{LINK}&st=3&b.load=s", "--json")
    assert "changes nothing" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("estimate", "--link", "hello"), "link: must be an address of the page"),
        (("estimate", "--link", f"{LINK}&n=x"), "link: n: must be a number or empty, not 'x'"),
        (("estimate", "--link", LINK, "--scenario", "D"), "scenario: the link has A, B, not 'D'"),
        (("memory", "--link", LINK, "-r", "-"), "--link, --request: only one of them can be the request"),
        (("memory", "llama-3.1-8b", "-g", "l4", "--scenario", "B"), "--scenario: needs --link"),
        (("compare", "--link", LINK.partition("&b.")[0]), "--link: has one scenario; comparing takes two"),
        (("estimate", "--link", f"{LINK}&usd=-1"), "link: usd: must be 0 or more, not -1"),
        (("memory", "--link", f"{LINK}&usd=-1"), "link: usd: must be 0 or more, not -1"),
        (("compare", "--link", f"{LINK}&b.usd=-0.5"), "link: usd: must be 0 or more, not -0.5"),
        (("compare", "--link", LINK, "-g", "l4"), "--link, --gpu: only one of them can name the scenarios"),
    ],
)
def test_what_cannot_be_is_refused(arguments: tuple[str, ...], said: str) -> None:
    ended = run(*arguments, given="{}")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert said in ended.stderr


@pytest.mark.parametrize(
    "query",
    ["v=1&m=llama-3.1-8b&w=bf16&g=l4&n=1&len=131072&c=4", "v=1&len=100", "v=1&m=llama-3.1-70b&g=l4&n=1"],
)
def test_there_is_a_speed_where_the_page_has_one(query: str) -> None:
    plan = json.loads(run("memory", "--link", f"?{query}", "--json").stdout)
    starts = plan["starts"] and plan["sequences_that_fit"] >= 1
    assert not (starts and plan["asked_context_tokens"] <= plan["max_model_len_tokens"])
    ended = run("estimate", "--link", f"?{query}")
    assert ended.exit_code == 3
    assert "✕ does not fit" in ended.stdout
    assert "If it were made to fit" in ended.stdout
    assert "a million tokens" not in ended.stdout


def test_requests_that_wait_still_have_a_speed() -> None:
    ended = run("estimate", "--link", "?v=1&m=llama-3.1-8b&w=bf16&g=l4&n=1&len=2048&c=64")
    assert ended.exit_code == 0
    assert "⚠ does not hold all at once" in ended.stdout


def test_parts_that_the_memory_does_not_take_are_left_out_and_plans_alone_are_named() -> None:
    link = f"{LINK}&load=s&s=4&kv_tiers.0.tier=host&lora.adapters=2&day.trough_fraction=0.3"
    ended = run("memory", "--link", link, "--json")
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout)["lora"]["adapter_bytes"] > 0
    assert "what plans alone read changes nothing here: day.trough_fraction" in ended.stderr
    assert answered("estimate", "--link", link)["sessions"]["tiers"][1]["tier"] == "host"
