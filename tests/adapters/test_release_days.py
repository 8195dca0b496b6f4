"""Days of releases, what a stated release does to times, and that what is older than 90 days is said."""

import datetime as dt
from datetime import UTC, date, datetime
from typing import Any

import pytest

from llm_calc.adapters import operations
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.release_days import (
    EPOCH,
    is_old,
    last_day,
    load_release_days,
    old_prices,
    old_rules,
    price_age,
    release_day,
    today,
)
from llm_calc.adapters.serving import answer_serving_estimate
from llm_calc.adapters.wire.serving import ServingEstimateRequest

MODEL = {"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm"}
LOAD = {"input_tokens": 512, "output_tokens": 128, "concurrency": 4}


def test_days_are_those_of_the_package_index() -> None:
    # pypi.org/project/vllm/0.19.0, pypi.org/project/sglang/0.5.9 and tensorrt-llm/1.3.0rc14, read 2026-11-30.
    days = [("vllm", "0.19.0"), ("sglang", "v0.5.9"), ("trtllm", "1.3.0rc14")]
    found = [release_day(*each) for each in days]
    assert found == [dt.date(2026, 4, 3), dt.date(2026, 2, 23), dt.date(2026, 5, 7)]


@pytest.mark.parametrize(
    ("version", "as_of"),
    [("0.18", "0.18.1"), ("0.18.7", "0.18.1"), ("99.0", "0.33.0"), ("0.1", "0.9.1")],
)
def test_a_release_that_is_not_listed_takes_the_day_of_the_last_before_it(version: str, as_of: str) -> None:
    assert release_day("vllm", version) == release_day("vllm", as_of)


def test_what_has_no_list_or_is_no_version_has_no_day() -> None:
    assert release_day("llama.cpp", "b9000") is None
    assert release_day("vllm", "nightly") is None


def test_releases_stand_in_the_order_of_their_days() -> None:
    for rows in load_release_days().values():
        assert [row.date for row in rows] == sorted(row.date for row in rows)


def answer(version: str | None, **changes: Any) -> Any:
    body = {
        "model": {"name": "deepseek-v3"},
        "precision": {"weights": "fp8"},
        "hardware": {"gpu": "mi355x", "count": 8},
        "parallelism": {"tensor": 8},
        "engine": {"name": "sglang", "version": version},
        "workload": {"input_tokens": 1024, "output_tokens": 1024, "concurrency": 16},
        **changes,
    }
    return answer_serving_estimate(ServingEstimateRequest.model_validate(body), load_catalogs())


def test_a_stated_release_moves_the_time_a_token_and_says_by_how_much() -> None:
    middle, early, late = answer(None), answer("0.5.4"), answer("0.5.12")
    assert late.tpot_s < middle.tpot_s < early.tpot_s
    factor = late.tpot_s / middle.tpot_s
    assert any(f"{factor:.2f} times those of the middle" in note for note in late.assumptions)
    assert {"0.5.9", "0.5.12"} <= set(late.basis.releases)


def test_without_a_release_it_is_said_what_the_newest_would_change() -> None:
    newest = load_release_days()["sglang"][-1].version
    middle, stated = answer(None), answer(newest)
    notes = [note for note in middle.assumptions if note.startswith("engine.version: not stated")]
    assert len(notes) == 1
    assert f"{stated.tpot_s / middle.tpot_s:.2f} times those as {newest}" in notes[0]


def test_with_a_release_too_one_request_is_no_slower_a_token_than_two() -> None:
    load = {"input_tokens": 1024, "output_tokens": 1024}
    for version in ("0.5.4", "0.5.12"):
        one, two = (answer(version, workload={**load, "concurrency": count}) for count in (1, 2))
        assert one.tpot_s <= two.tpot_s * (1 + 1e-9)


def test_of_a_pair_that_was_run_once_the_release_moves_nothing() -> None:
    gpu = {"gpu": "a100-80gb-sxm", "count": 8}
    plain, stated = (
        answer(version, hardware=gpu, precision={"weights": "bf16"}, model={"name": "llama-3.1-70b"})
        for version in (None, "0.5.12")
    )
    assert stated.tpot_s == plain.tpot_s
    assert any(
        note.startswith("engine.version: rules") and "times a token" not in note
        for note in stated.assumptions
    )


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the day that ages count to."""

    def set_day(year: int, month: int, day: int) -> None:
        monkeypatch.setenv(EPOCH, str(int(datetime(year, month, day, tzinfo=UTC).timestamp())))

    return set_day


def asked(operation: Any, **request: Any) -> Any:
    return operation.answered(request, load_catalogs())


def test_ages_count_to_today_unless_a_day_is_named(on: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    on(2026, 11, 30)
    assert today() == date(2026, 11, 30)
    assert is_old(date(2026, 8, 31))
    assert not is_old(date(2026, 9, 1))  # 90 days
    monkeypatch.delenv(EPOCH)
    before = datetime.now(UTC).date()
    assert before <= today() <= datetime.now(UTC).date()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-08-21", date(2026, 8, 21)),
        ("2026-02", date(2026, 2, 28)),
        ("2025-12/2026-08", date(2026, 8, 31)),
        ("2026", date(2026, 12, 31)),
        ("undated", None),
        ("", None),
    ],
)
def test_the_last_day_of_a_dated_text(text: str, day: date | None) -> None:
    assert last_day(text) == day


def test_prices_are_named_with_their_day_where_it_is_long_ago(on: Any) -> None:
    on(2026, 11, 30)
    assert price_age("2026-11-01") == ""
    assert price_age("") == ""  # the caller's own
    assert price_age("2026-08-21") == "of 2026-08-21, more than 90 days ago"
    assert price_age("undated") == "of no stated day"
    sentence = old_prices([("b", "2026-08-21"), ("a", "2026-11-29"), ("b", "2026-08-21")])
    assert sentence == [
        "prices: rents change by the week; b of 2026-08-21, more than 90 days ago: give your own in prices"
    ]


def test_rules_are_named_with_their_day_where_it_is_long_ago(on: Any) -> None:
    on(2026, 11, 30)
    assert old_rules("vLLM", "1", "2026-11-29") == []
    assert "vLLM 1 were read on 2026-05-01" in old_rules("vLLM", "1", "2026-05-01")[0]


@pytest.mark.parametrize("version", [None, "0.33.0", "99.0"])
@pytest.mark.parametrize("operation", [operations.MEMORY_PLAN, operations.SERVING_ESTIMATE])
def test_an_answer_says_that_its_rules_are_old(operation: Any, version: str | None, on: Any) -> None:
    engine = {"name": "vllm", **({"version": version} if version else {})}
    request = {**MODEL, "engine": engine, "workload": LOAD}
    on(2026, 12, 1)
    assert not any("were read on" in text for text in asked(operation, **request).warnings)
    on(2027, 6, 1)
    assert any("were read on 2026-11" in text for text in asked(operation, **request).warnings)


def test_an_answer_says_that_its_price_is_old(on: Any) -> None:
    on(2027, 6, 1)
    plans = asked(
        operations.DEPLOYMENT_PLANS,
        model="llama-3.1-8b",
        workload=LOAD,
        gpus=["h100-80gb-sxm"],
        formats=["fp8"],
        engines=["vllm"],
    )
    assert any(text.startswith("prices: rents change") for text in plans.warnings)
    assert any("were read on" in text for text in plans.warnings)
    found = asked(operations.RECOMMEND_GPUS, model="llama-3.1-8b", gpus=["h100-80gb-sxm"])
    assert any(text.startswith("prices: rents change") for text in found.warnings)
    both = asked(operations.COMPARE, scenarios=[{**MODEL, "workload": LOAD}, {**MODEL, "workload": LOAD}])
    assert any(text.startswith("prices: rents change") for text in both.scenarios[0].estimate.warnings)
    own = asked(
        operations.RECOMMEND_GPUS, model="llama-3.1-8b", gpus=["h100-80gb-sxm"], prices={"h100-80gb-sxm": 2.0}
    )
    assert not any(text.startswith("prices:") for text in own.warnings)


def test_what_fits_says_that_its_rules_are_old(on: Any) -> None:
    on(2027, 6, 1)
    one = {"hardware": "rtx-4090-24gb", "context_tokens": 4096}
    row = asked(operations.FIT, model="llama-3.1-8b", formats=["q4_k_m"], cache_types=["f16"], **one)
    assert any("were read on" in text for text in row.warnings)
    found = asked(operations.MODELS_FOR, max_models=1, family="llama", weights="q4_k_m", **one)
    assert any("were read on" in text for text in found.assumptions)
