"""Days of releases, and what a stated release does to times."""

import datetime as dt
from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.release_days import load_release_days, release_day
from llm_calc.adapters.serving import answer_serving_estimate
from llm_calc.adapters.wire.serving import ServingEstimateRequest


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
