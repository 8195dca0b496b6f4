"""What is older than 90 days is said, and by the day that ages count to."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from llm_calc.adapters import operations
from llm_calc.adapters.ages import EPOCH, is_old, last_day, old_prices, old_rules, price_age, today
from llm_calc.adapters.catalog import load_catalogs

MODEL = {"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm"}
LOAD = {"input_tokens": 512, "output_tokens": 128, "concurrency": 4}


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
