"""Shapes that predictions keep over the catalog, whatever was fitted: what grows the work never shortens the time."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.deployment import Placed, place
from llm_calc.adapters.mean_lengths import lengths_of
from llm_calc.adapters.serving import time_load
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.serving import batch, estimate
from llm_calc.core.serving.batch import Lengths

ENGINES = ("vllm", "sglang", "trtllm", "generic", "llama.cpp")
GPUS = (
    "a100-80gb-sxm",
    "h100-80gb-sxm",
    "b200-180gb-sxm",
    "rtx-pro-6000-blackwell-server",
    "mi300x",
    "mi355x",
)
MODELS = (
    ("llama-3.1-8b", 1),
    ("qwen3-32b", 2),
    ("llama-3.3-70b", 4),
    ("gpt-oss-120b", 4),
    ("deepseek-v3", 8),
)
REQUESTS = np.array(
    [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 65, 96, 128, 192, 256, 512, 768, 1000], dtype=np.float64
)
INPUTS = np.array([1, 128, 1000, 4000, 8000, 8192, 8193, 16_000, 40_000, 100_000], dtype=np.float64)
LENGTHS = ((1024, 512), (8000, 64), (100, 2000))
RUNS = [
    (engine, gpu) for engine in ENGINES for gpu in GPUS if not (engine == "trtllm" and gpu.startswith("mi"))
]


@cache
def placed(engine: str, gpu: str, model: str, gpus: int, requests: int = 4, **sizes: int) -> Placed:
    asked = ServingEstimateRequest.model_validate(
        {
            "model": {"name": model},
            "hardware": {"gpu": gpu, "count": gpus},
            "parallelism": sizes or {"pipeline" if engine == "llama.cpp" else "tensor": gpus},
            "engine": {"name": engine},
            "workload": {"input_tokens": 1024, "output_tokens": 512, "concurrency": requests},
        }
    )
    return place(
        load_catalogs(),
        model=asked.model,
        precision=asked.precision,
        hardware=asked.hardware,
        parallelism=asked.parallelism,
        engine=asked.engine,
        workload=asked.workload,
    )


def runnable(engine: str, gpu: str) -> list[tuple[str, int]]:
    """Models that the engine runs on this GPU, in their own formats."""
    return [(model, gpus) for model, gpus in MODELS if runs(engine, gpu, model, gpus)]


def runs(engine: str, gpu: str, model: str, gpus: int) -> bool:
    try:
        placed(engine, gpu, model, gpus)
    except UnsupportedError:
        return False
    return True


def never_falls(values: object) -> bool:
    found = np.asarray(values, dtype=np.float64)
    return bool((np.diff(found) >= -1e-9 * found[:-1]).all())


@pytest.mark.parametrize(("engine", "gpu"), RUNS)
def test_a_token_never_takes_less_beside_more_requests(engine: str, gpu: str) -> None:
    for model, gpus in runnable(engine, gpu):
        here = replace(placed(engine, gpu, model, gpus).deployment, capacity=5000.0)
        for prompt, output in LENGTHS:
            lengths = Lengths(input_tokens=float(prompt), output_tokens=float(output))
            assert never_falls(estimate.closed_form(here, lengths, REQUESTS).tpot_s), (model, prompt)
            assert never_falls(estimate.static_batch(here, lengths, REQUESTS).tpot_s), (model, prompt)


@pytest.mark.parametrize(("engine", "gpu"), RUNS)
def test_a_token_never_takes_less_behind_a_longer_prompt(engine: str, gpu: str) -> None:
    for model, gpus in runnable(engine, gpu):
        here = replace(placed(engine, gpu, model, gpus).deployment, capacity=5000.0)
        lengths = Lengths(input_tokens=INPUTS, output_tokens=np.full_like(INPUTS, 512.0))
        for requests in (1.0, 8.0, 100.0):
            many = np.full_like(INPUTS, requests)
            assert never_falls(estimate.closed_form(here, lengths, many).tpot_s), (model, requests)
            assert never_falls(estimate.static_batch(here, lengths, many).tpot_s), (model, requests)


@pytest.mark.parametrize(("engine", "gpu"), RUNS)
def test_a_larger_model_of_one_kind_takes_longer(engine: str, gpu: str) -> None:
    sizes = ("qwen2.5-7b", "qwen2.5-14b", "qwen2.5-32b", "qwen2.5-72b")
    lengths = Lengths(input_tokens=1024.0, output_tokens=512.0)
    for requests in (1.0, 16.0, 256.0):
        here = [placed(engine, gpu, name, 4).deployment for name in sizes]
        plain = [replace(each, offsets=estimate.Offsets(), capacity=5000.0) for each in here]
        assert never_falls([estimate.closed_form(each, lengths, requests).tpot_s for each in plain]), requests


@pytest.mark.parametrize(("engine", "gpu"), RUNS)
def test_more_gpus_of_a_group_slow_a_prompt_by_no_more_than_their_collectives(engine: str, gpu: str) -> None:
    if engine == "llama.cpp":
        return
    for model in ("llama-3.3-70b", "gpt-oss-120b"):
        if not runs(engine, gpu, model, 8):
            continue
        for prompt in (512.0, 8192.0, 65_536.0):
            lengths = Lengths(input_tokens=prompt, output_tokens=1.0)
            seconds, bare = [], []
            for gpus in (1, 2, 4, 8):
                here = placed(engine, gpu, model, gpus).deployment
                alone = replace(here.work, collectives=())
                seconds.append(float(batch.prefill_seconds(here.work, here.rates, 1.0, lengths)))
                bare.append(float(batch.prefill_seconds(alone, here.rates, 1.0, lengths)))
            assert never_falls(bare[::-1]), (model, prompt)
            costs = [whole - own for whole, own in zip(seconds, bare, strict=True)]
            steps = zip(seconds, seconds[1:], costs[1:], strict=False)
            assert all(later <= earlier + cost for earlier, later, cost in steps), (model, prompt)


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm"])
def test_loads_meet_where_one_way_to_answer_ends(engine: str) -> None:
    """A simulated loop and the closed form say the same of every further token; one request is no other family."""
    for gpu, model, gpus in (("h100-80gb-sxm", "llama-3.1-8b", 1), ("b200-180gb-sxm", "gpt-oss-120b", 4)):
        found = []
        for requests in (1, 2, 4, 63, 64, 65, 66):
            here = placed(engine, gpu, model, gpus, requests)
            workload = WorkloadPart(input_tokens=1024, output_tokens=512, concurrency=requests)
            found.append(float(time_load(here, workload).tpot_s))
            form = estimate.closed_form if here.calibration.name == "served" else estimate.static_batch
            formula = form(here.deployment, lengths_of(workload), float(requests))
            assert found[-1] == pytest.approx(float(formula.tpot_s), rel=1e-9)
        assert never_falls(found)
        assert found[1] < 1.35 * found[0]
        assert found[-1] < 1.1 * found[-4]


def test_arrays_of_loads_give_what_single_loads_give() -> None:
    here = placed("vllm", "h100-80gb-sxm", "gpt-oss-120b", 4).deployment
    lengths = Lengths(input_tokens=1024.0, output_tokens=512.0)
    together = estimate.closed_form(here, lengths, REQUESTS)
    alone = [estimate.closed_form(here, lengths, float(each)) for each in REQUESTS]
    for name in ("ttft_s", "tpot_s", "output_tokens_per_s"):
        assert np.asarray(getattr(together, name)) == pytest.approx(
            [float(getattr(each, name)) for each in alone]
        )


def test_replicas_of_attention_have_a_queue_each() -> None:
    """Eight long prompts on eight replicas take hardly longer than one, and one has a single replica's attention."""
    dealt = {"tensor": 1, "data": 8, "expert": 8}
    one = placed("vllm", "b200-180gb-sxm", "deepseek-v3", 8, 1, **dealt)
    lengths = Lengths(input_tokens=60_000.0, output_tokens=64.0)
    alone, eight = (estimate.simulated_loop(one.deployment, lengths, count, 1) for count in (1, 8))
    assert float(eight.ttft_s) < 2.5 * float(alone.ttft_s)
    whole = placed("vllm", "b200-180gb-sxm", "deepseek-v3", 8, 1)
    together = estimate.simulated_loop(whole.deployment, lengths, 1, 1)
    assert float(alone.ttft_s) > 0.9 * float(together.ttft_s)
