"""How often measured servers look for new requests."""

from dataclasses import replace

import numpy as np
import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.measured_runs import load_sources
from llm_calc.adapters.polls import load_polls, polls
from llm_calc.adapters.serving import place_request, time_load
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.architectures.shape import shape_of
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.host import HostTimes, with_host, with_polls
from tools.calibrate.cases import build_case
from tools.calibrate.measurements import read_config_of, read_measurements

NO_SHAPE = "1x1x1x0/1/1+1"


def asked(
    model: str, gpu: str, requests: int, weights: str = "fp8", data: int = 1, interval: int | None = None
) -> tuple[HostTimes, tuple[str, ...], float]:
    request = ServingEstimateRequest.model_validate(
        {
            "model": {"name": model},
            "hardware": {"gpu": gpu, "count": 8},
            "parallelism": {"tensor": 8 // data, "data": data, "expert": 8 if data > 1 else 1},
            "precision": {"weights": weights},
            "engine": {"name": "sglang", "scheduler_recv_interval": interval},
            "workload": {"input_tokens": 1024, "output_tokens": 1024, "concurrency": requests},
        }
    )
    placed = place_request(request, load_catalogs())
    return placed.deployment.host, placed.assumptions, float(time_load(placed, request.workload).ttft_s)


def test_scripts_of_measured_servers_say_how_many_steps_pass() -> None:
    """``dsr1_fp4_b200.sh`` and others: 10 steps under 16 requests, else 30; GLM-5.1 in fp8 looks at every step."""
    host, notes, _ = asked("deepseek-r1", "b200-180gb-sxm", 32)
    assert (host.polled_steps_of_few, host.polled_steps) == (10, 30)
    assert any("scheduler_recv_interval 30" in note for note in notes)
    host, notes, _ = asked("glm-5.1", "b200-180gb-sxm", 32)
    assert (host.polled_steps_of_few, host.polled_steps) == (1, 1)
    assert not any("scheduler_recv_interval" in note for note in notes)


@pytest.mark.parametrize("gpu", ["h200-141gb-sxm", "mi300x"])
def test_servers_on_other_chips_look_at_every_step(gpu: str) -> None:
    host, notes, _ = asked("deepseek-r1", gpu, 32)
    assert (host.polled_steps_of_few, host.polled_steps) == (1, 1)
    assert not any("scheduler_recv_interval" in note for note in notes)


def test_so_do_those_that_deal_attention_over_replicas() -> None:
    """The script sets 1 with ``DP_ATTENTION``."""
    host, _, _ = asked("deepseek-r1", "b200-180gb-sxm", 32, data=8)
    assert host.polled_steps == 1


@pytest.mark.parametrize(
    ("gpu", "data"), [("b200-180gb-sxm", 1), ("b200-180gb-sxm", 8), ("h200-141gb-sxm", 1)]
)
def test_what_a_request_states_counts(gpu: str, data: int) -> None:
    """``recv_skipper.py`` of SGLang 0.5.23: every so-manieth decode step, whatever the chip and the layout."""
    host, notes, late = asked("deepseek-r1", gpu, 32, data=data, interval=50)
    assert (host.polled_steps_of_few, host.polled_steps) == (50, 50)
    assert not any("scheduler_recv_interval" in note for note in notes)
    host, _, soon = asked("deepseek-r1", gpu, 32, data=data, interval=1)
    assert (host.polled_steps_of_few, host.polled_steps) == (1, 1)
    assert late > soon


def test_first_tokens_wait_for_half_of_the_interval() -> None:
    """(41 - 1) / 2 further tokens."""
    soon, late = (
        llm_calc.estimate(
            model="llama-3.1-8b",
            hardware="h100-80gb-sxm",
            engine={"name": "sglang", "scheduler_recv_interval": steps},
            workload={"input_tokens": 1024, "output_tokens": 256, "concurrency": 32},
        )
        for steps in (1, 41)
    )
    waited = late.ttft_s - soon.ttft_s
    assert waited == pytest.approx(20 * soon.tpot_s, rel=0.01)


def test_it_is_named_where_nothing_waits_for_it() -> None:
    engine = {"name": "sglang", "scheduler_recv_interval": 30}
    words = "engine.scheduler_recv_interval: changes nothing of the"
    plan = llm_calc.memory_plan(model="llama-3.1-8b", hardware="h100-80gb-sxm", engine=engine)
    assert f"{words} memory here" in plan.assumptions
    alone = llm_calc.estimate(
        model="llama-3.1-8b",
        hardware="h100-80gb-sxm",
        engine=engine,
        workload={"input_tokens": 1024, "output_tokens": 256, "concurrency": 1},
    )
    assert f"{words} times here" in (*alone.assumptions, *alone.warnings)


def test_a_request_alone_waits_for_no_look() -> None:
    host, notes, first = asked("deepseek-r1", "b200-180gb-sxm", 1)
    assert host.polled_steps == 30
    assert not any("scheduler_recv_interval" in note for note in notes)
    assert first < asked("deepseek-r1", "b200-180gb-sxm", 2)[2]


def test_lines_name_a_source_and_models_by_their_own_shape() -> None:
    sources = load_sources()
    for row in load_polls():
        assert row.source in sources
        if row.shape:
            assert shape_of(read_config(read_config_of(row.model.replace("/", "--"))).model) == row.shape


def test_the_line_that_says_most_counts() -> None:
    work = next(
        build_case(row).work
        for row in read_measurements()
        if (row.engine, row.gpu, row.weights) == ("sglang", "b200-180gb-sxm", "nvfp4") and "GLM" in row.model
    )
    glm = next(row.shape for row in load_polls() if "GLM" in row.model)
    assert with_polls(HostTimes(), polls(), "sglang", "blackwell", glm, work).polled_steps == 10
    assert with_polls(HostTimes(), polls(), "sglang", "blackwell", NO_SHAPE, work).polled_steps == 30
    assert (
        with_polls(
            HostTimes(), polls(), "sglang", "blackwell", glm, replace(work, sequence_share=0.5)
        ).polled_steps
        == 1
    )
    assert with_polls(HostTimes(), polls(), "vllm", "blackwell", glm, work).polled_steps == 1


def test_no_more_is_waited_for_than_an_answer_has() -> None:
    """By hand, 10 ms a token: of 5 gathered tokens a two-token answer has one more; it is over before 30 steps are.

    A long answer waits ``5 x 0.01 + 29 / 2 x 0.01 = 0.195 s``, one of two tokens ``1 x 0.01 + 1 / 2 x 0.01 = 0.015 s``,
    one of a single token nothing; 16 tokens ``5 x 0.01 + 15 / 2 x 0.01 = 0.125 s``.
    """
    host = HostTimes(stream_tokens=5.0, polled_steps=30.0, polled_steps_of_few=30.0)
    answers = np.array([1.0, 2.0, 16.0, 500.0])
    lengths = Lengths(input_tokens=100.0, output_tokens=answers)
    waited = np.asarray(with_host(0.0, 0.01, lengths, 0.0, host, 20.0))
    assert waited == pytest.approx([0.0, 0.015, 0.125, 0.195])


def test_short_answers_take_no_minutes_to_begin() -> None:
    """Answers of two tokens began after 37 s and those of 64 after 2.4: thirty steps were waited for that never ran."""
    answers = [
        llm_calc.estimate(
            model="deepseek-v3",
            hardware="8x b300-288gb-sxm",
            engine="sglang",
            workload={"input_tokens": 1024, "output_tokens": tokens, "concurrency": 16},
        ).request_latency_s
        for tokens in (2, 8, 64, 256)
    ]
    assert answers == sorted(answers)
