"""Traces as text: what is read, what is refused with line and field, and what an answer says."""

import json
import time
from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.traces import read_trace
from llm_calc.adapters.wire.serving import ServingEstimateAnswer
from llm_calc.core.errors import CalcError, InvalidInputError, UnsupportedError

ROW = {
    "timestamp": 27482,
    "input_length": 6955,
    "output_length": 52,
    "hash_ids": [*range(46, 58), 2353, 2354],
}
NEXT = {"timestamp": 30535, "input_length": 6472, "output_length": 26, "hash_ids": [*range(46, 58), 2366]}
LINES = "\n".join(json.dumps(row) for row in (NEXT, ROW))
TABLES = {
    "arrival_s,input_tokens,output_tokens\n0.5,10,20\n2,30,40\n": ((0.0, 1.5), (10.0, 30.0)),
    "timestamp_ms, output_length, input_length\r\n500,20,10\r\n\r\n2000,40,30": ((0.0, 1.5), (10.0, 30.0)),
    "timestamp,input_length,output_length\n500,10,20\n2000,30,40": ((0.0, 1.5), (10.0, 30.0)),
    "arrival;input;output\n0.5;10;20\n2;30;40": ((0.0, 1.5), (10.0, 30.0)),
    "arrival_s\tinput\toutput\n0.5\t10\t20\n2\t30\t40": ((0.0, 1.5), (10.0, 30.0)),
    "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.5,10,20\n2023-11-16 18:15:48,30,40": (
        (0.0, 1.5),
        (10.0, 30.0),
    ),
    'arrival_s,input_tokens,output_tokens,hash_ids\n0,600,1,"1 2"\n1,600,1,[1;3]': (
        (0.0, 1.0),
        (600.0, 600.0),
    ),
}
WRONG: dict[str, str] = {
    "": "at least 1 character",
    "\n \n": "line 1: must name one column",
    "{": "line 1: is no JSON object",
    LINES + "\n[]": "line 3: is no JSON object",
    json.dumps({**ROW, "input_length": 0}): "line 1: input_length must be a whole number from 1",
    json.dumps({**ROW, "input_length": 5.5}): "line 1: input_length must be a whole number",
    json.dumps({**ROW, "output_length": True}): "line 1: output_length must be a number",
    json.dumps({**ROW, "timestamp": -1}): "line 1: timestamp must be a number from 0",
    json.dumps({**ROW, "timestamp": "1e400"}): "line 1: timestamp must be a number",
    json.dumps({"timestamp": 0, "input_length": 5}): "line 1: must have one of output_length",
    json.dumps({**ROW, "hash_ids": [1]}): "line 1: hash_ids must be 14 for 6955 tokens",
    json.dumps({**ROW, "hash_ids": 7}): "line 1: hash_ids must be a list",
    json.dumps({**ROW, "hash_ids": [*range(13), "x"]}): "line 1: hash_ids must be whole numbers",
    json.dumps({**ROW, "hash_ids": [1] * 14}): "line 1: hash_ids must differ",
    LINES + "\n" + json.dumps({**ROW, "hash_ids": None}): "line 3: hash_ids: missing",
    "timestamp,input_tokens,output_tokens\nsoon,1,1": "line 2: timestamp must be a number from 0 to 1e+15 of mill",
    "[" + json.dumps(ROW) + "]": "line 1: must be a JSON object; a trace has one a line",
    "null\n": "line 1: must be a JSON object",
    "arrival_s,input_tokens\n5,1": "line 1: must name one column of output_length",
    "arrival_s,arrival_ms,input_tokens,output_tokens\n": "found arrival_s and arrival_ms",
    "arrival_s,input_tokens,output_tokens\n1,2,3\n1,2": "line 3: has 2 fields; line 1 names 3",
    "arrival_s,input_tokens,output_tokens\n": "has no requests",
}


def asked(
    trace: dict[str, Any] | str, workload: dict[str, Any] | None = None, **fields: Any
) -> ServingEstimateAnswer:
    part = {"text": trace} if isinstance(trace, str) else trace
    return llm_calc.estimate(
        **{
            "model": "llama-3.1-8b",
            "hardware": "h100-80gb-sxm",
            "workload": {"trace": part, **(workload or {})},
        }
        | fields
    )


@pytest.mark.parametrize("text", TABLES)
def test_tables_are_read_by_the_names_of_their_columns(text: str) -> None:
    trace, unused = read_trace(text, 512, 1.0)
    assert (trace.arrivals_s, trace.prompts) == TABLES[text]
    assert trace.outputs[0] in (1.0, 20.0)
    assert bool(trace.blocks) == ("hash_ids" in text)
    assert unused == ()


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_line_is_refused_with_its_number_and_field(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"workload\.trace") as error:
        asked(text)
    assert WRONG[text] in error.value.message


def test_a_trace_is_answered_with_hits_targets_and_times() -> None:
    answer = asked({"text": LINES, "speed": 2.0}, {"targets": {"ttft_s": 30.0}})
    found = answer.trace
    assert found is not None
    assert found.requests == 2
    assert found.span_s == pytest.approx(3.053 / 2)
    assert found.hit_fraction == found.most_hit_fraction == pytest.approx(6144 / 13427)
    assert answer.percentiles is not None
    (row,) = answer.classes
    assert row.targets_kept_fraction == 1.0
    assert row.goodput_requests_per_s == pytest.approx(answer.requests_per_s)
    assert answer.interval.status == "uncalibrated"
    assert any("blocks of 512 tokens" in each for each in answer.assumptions)


def test_requests_at_one_time_have_no_rate_and_end_after_their_first_token() -> None:
    answer = asked(json.dumps({"timestamp": 5, "input_length": 100_000, "output_length": 5}))
    assert answer.trace is not None
    assert answer.trace.elapsed_s == answer.request_latency_s > answer.ttft_s
    assert not any("come a second" in each for each in answer.warnings)


def test_what_finds_nothing_is_said() -> None:
    text = "\n".join(json.dumps({**row, "hash_ids": None, "session": 1}) for row in (ROW, NEXT))
    answer = asked(text)
    assert answer.trace is not None
    assert answer.trace.hit_fraction == 0
    assert any("no hash_ids" in each for each in answer.assumptions)
    assert any("not used of its lines: session" in each for each in answer.assumptions)
    assert any("timestamp: taken as milliseconds" in each for each in answer.assumptions)
    off = asked(LINES, engine={"name": "vllm", "enable_prefix_caching": False})
    assert off.trace is not None
    assert off.trace.hit_fraction == 0


def test_tiers_below_hold_blocks_of_a_trace() -> None:
    answer = asked(LINES, kv_tiers=[{"tier": "host"}])
    assert answer.trace is not None
    assert [tier.tier for tier in answer.trace.tiers] == ["gpu", "host"]


@pytest.mark.parametrize(
    ("workload", "named"),
    [
        ({"input_tokens": 5}, "input_tokens and trace exclude"),
        ({"preset": "chat"}, "preset and trace exclude"),
        ({"concurrency": 5}, "found concurrency and trace"),
        ({"sessions": {"turns": 2}}, "sessions and trace exclude"),
    ],
)
def test_a_trace_is_all_there_is_of_a_load(workload: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInputError, match=named):
        asked(LINES, workload)


def test_what_does_not_take_a_trace_says_so() -> None:
    workload = {"trace": {"text": LINES}}
    with pytest.raises(UnsupportedError, match=r"workload\.trace"):
        llm_calc.plan(model="llama-3.1-8b", workload=workload, gpus=["h100-80gb-sxm"])
    with pytest.raises(CalcError, match=r"workload\.trace"):
        asked(LINES, engine="llama.cpp")
    memory = llm_calc.memory_plan(model="llama-3.1-8b", hardware="h100-80gb-sxm", workload=workload)
    assert memory.fits


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_days_without_an_offset_are_the_same_everywhere(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        text = "timestamp,input_tokens,output_tokens\n2024-03-31 01:59:00,9,9\n2024-03-31 03:00:00,9,9\n"
        trace, _ = read_trace(text, 512, 1.0)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert [*trace.arrivals_s] == [0.0, 3660.0]


@pytest.mark.parametrize(("size", "named"), [(16, True), (512, False)])
def test_a_size_of_blocks_that_no_request_names_is_named(size: int, named: bool) -> None:
    text = "arrival_s,input_tokens,output_tokens\n0,100,10\n1,200,20\n"
    found = llm_calc.estimate(
        model="llama-3.1-8b",
        hardware="h100-80gb-sxm",
        workload={"trace": {"text": text, "block_tokens": size}},
    )
    words = "workload.trace.block_tokens: changes nothing here, since no request has hash_ids"
    assert (words in found.assumptions) is named
