"""Shapes of whole answers over the catalog: seeded samples of engines, GPUs, models, layouts and loads.

Every sample holds its load in the cache: where a cache is full, more work lets fewer run at once, and those run faster.
"""

import random
from collections.abc import Iterator

import numpy as np
import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.certainty import holds_one
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.serving import place_request, time_load
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.errors import CalcError
from llm_calc.core.serving.estimate import Estimate

pytestmark = pytest.mark.repeats  # many answers of the same lines
ENGINES = ("vllm", "sglang", "trtllm", "generic")
CUTS_PROMPTS = {"trtllm": {"enable_chunked_prefill": True}}
"""Options without which an engine refuses prompts longer than a step."""
SAMPLES = 7
MOST_TRIED = 2000
SMALL = (("rtx-3060-12gb", 1, "qwen2.5-0.5b", None), ("h100-80gb-sxm", 1, "smollm2-135m", None))
"""Deployments whose prompts take long beside a token: a loop's time a token falls there as answers grow."""
STAGES = ("h100-80gb-sxm", 4, "glm-4.5-air", {"pipeline": 4})
"""Stages of a server share sequences out; a request alone passes all of them."""
LOADS = (1, 2, 3, 4, 7, 16, 33, 64, 65, 150, 400, 1000)
PROMPTS = (1, 2, 100, 1000, 4000, 8192, 8193, 12_000)
SLACK = 1e-6
"""What the interpolated tables of a simulated run may be off."""
LAST_CHUNK = 0.005
"""A token beyond 8192 begins a chunk of its own: of the step, and of attention that sees chunks only."""


def sample(engine: str, kind: str) -> Iterator[tuple[str, int, str, dict[str, int] | None]]:
    """GPUs of any make, how many, models, layouts; the same ones at every call."""
    chosen = random.Random(f"{engine}/{kind}")
    gpus = [gpu.id for gpu in load_catalogs().gpus]
    models = [model.name for model in load_catalogs().models]
    for _ in range(MOST_TRIED):
        count = chosen.choice([1, 2, 4, 8])
        layouts = (
            None,
            {"tensor": 1, "data": count},
            {"tensor": count, "expert": count},
            {"pipeline": count},
        )
        yield chosen.choice(gpus), count, chosen.choice(models), chosen.choice(layouts)


def asked(
    engine: str,
    where: tuple[str, int, str, dict[str, int] | None],
    prompt: int,
    output: int,
    **load: float | bool,
) -> tuple[Placed, Estimate]:
    gpu, count, model, layout = where
    request = ServingEstimateRequest.model_validate(
        {
            "model": {"name": model},
            "hardware": {"gpu": gpu, "count": count},
            "parallelism": layout,
            "engine": {"name": engine, **CUTS_PROMPTS.get(engine, {})},
            "workload": {"input_tokens": prompt, "output_tokens": output, **load},
        }
    )
    placed = place_request(request, load_catalogs())
    return placed, time_load(placed, request.workload)


def roomy(
    engine: str, kind: str, prompt: int, output: int, requests: int
) -> Iterator[tuple[str, int, str, dict[str, int] | None]]:
    """Samples whose cache holds such a load."""
    left = SAMPLES
    for where in sample(engine, kind):
        try:
            placed, _ = asked(engine, where, prompt, output, concurrency=2)
        except CalcError:
            continue
        if not holds_one(placed) or placed.deployment.capacity * placed.replicas < 1.3 * requests:
            continue
        yield where
        left -= 1
        if not left:
            return
    raise AssertionError(f"too few of {MOST_TRIED} deployments hold such a load")


def prompt_floor_s(placed: Placed) -> float:
    """The least time of a step with prompts [s]."""
    return float(placed.deployment.rates.prefill_layer_s) * placed.subject.setup.model.num_layers


def falls(values: list[float], least: float = SLACK) -> list[float]:
    """Steps down, as shares."""
    found = np.array(values)
    steps = found[1:] / found[:-1] - 1
    return [float(step) for step in steps if step < -least]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["concurrency", "batch"])
def test_a_token_never_takes_less_beside_more_requests(engine: str, kind: str) -> None:
    for where in (*roomy(engine, kind, 700, 200, 1000), STAGES):
        times = [float(asked(engine, where, 700, 200, **{kind: each})[1].tpot_s) for each in LOADS]
        assert not falls(times), (where, times)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "load", [{"concurrency": 1}, {"concurrency": 9}, {"batch": 1}, {"batch": 9}, {"request_rate": 1e-5}]
)
def test_longer_prompts_never_come_sooner(engine: str, load: dict[str, float]) -> None:
    for where in roomy(engine, f"prompt {load}", PROMPTS[-1], 128, 9):
        found = [asked(engine, where, each, 128, **load)[1] for each in PROMPTS]
        assert not falls([float(each.ttft_s) for each in found], LAST_CHUNK), where
        assert not falls([float(each.tpot_s) for each in found], LAST_CHUNK), where


@pytest.mark.parametrize("engine", ENGINES)
def test_longer_answers_never_shorten_the_time_a_token_of_one_request(engine: str) -> None:
    for where in (*roomy(engine, "answer", 4000, 2000, 1), *SMALL):
        for load in ({"concurrency": 1}, {"batch": 1}):
            found = [asked(engine, where, 4000, each, **load)[1] for each in (2, 3, 16, 128, 700, 2000)]
            assert not falls([float(each.tpot_s) for each in found]), (where, load)


@pytest.mark.parametrize("engine", ENGINES)
def test_more_arrivals_never_shorten_a_time_even_beyond_what_can_be_served(engine: str) -> None:
    """But for stages of a pipeline, which take turns in a run and overlap in an endless queue."""
    for where in roomy(engine, "rate", 700, 200, 1000):
        if "pipeline" in (where[3] or {}):
            continue
        most = float(asked(engine, where, 700, 200, request_rate=1e5)[1].requests_per_s)
        found = [
            asked(engine, where, 700, 200, request_rate=share * most)[1]
            for share in (0.01, 0.3, 1.0, 1.2, 3.0, 30.0)
        ]
        assert not falls([float(each.tpot_s) for each in found], 1e-3), where
        assert not falls([float(each.ttft_s) for each in found], 1e-3), where
        assert [each.requests_per_s for each in found[2:]] == pytest.approx([most] * 4)


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm"])
def test_replicas_with_one_request_each_see_what_one_sees(engine: str) -> None:
    """Attention that is dealt without experts is a replica with a queue of its own."""
    for gpu, _, model, _ in roomy(engine, "replicas", 700, 200, 8):
        try:
            _, alone = asked(engine, (gpu, 1, model, None), 700, 200, concurrency=1)
            placed, dealt = asked(engine, (gpu, 4, model, {"tensor": 1, "data": 4}), 700, 200, concurrency=4)
        except CalcError:
            continue
        if placed.subject.setup.layout.shared:  # groups of one server, which meet in their experts
            continue
        assert (dealt.ttft_s, dealt.tpot_s) == pytest.approx((alone.ttft_s, alone.tpot_s), rel=1e-6), (
            gpu,
            model,
        )
        assert dealt.output_tokens_per_s == pytest.approx(4 * alone.output_tokens_per_s, rel=1e-6)


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm"])
def test_a_batch_of_one_is_a_request_alone(engine: str) -> None:
    """Decoding knows no client; first tokens of servers hold what a client adds."""
    for where in roomy(engine, "one", 700, 200, 1):
        alone, batch = (
            asked(engine, where, 700, 200, **load)[1] for load in ({"concurrency": 1}, {"batch": 1})
        )
        assert batch.tpot_s == pytest.approx(float(alone.tpot_s), rel=0.35), where
        assert float(batch.ttft_s) <= 1.0001 * float(alone.ttft_s), where


@pytest.mark.parametrize("engine", ENGINES)
def test_all_requests_in_flight_are_served_in_their_time(engine: str) -> None:
    """Little's law, also where prompts stop decoding and answers are short; 16 % is what the closed form leaves."""
    for where in roomy(engine, "little", 4000, 64, 300):
        for requests in (8, 64, 300):
            _, found = asked(engine, where, 4000, 64, concurrency=requests)
            in_flight = float(found.request_latency_s * found.requests_per_s)
            assert in_flight == pytest.approx(requests, rel=0.16), (where, requests)


@pytest.mark.parametrize("engine", ENGINES)
def test_no_closed_loop_serves_much_more_than_a_queue_without_end(engine: str) -> None:
    """A quarter more is what two families of measurements may differ by.

    Whole batches alone may serve more, where the least time of a step with prompts, which every step of a queue
    carries and theirs only at their start, is what makes its steps more than twice as long.
    """
    for where in roomy(engine, "queue", 700, 200, 200):
        _, queue = asked(engine, where, 700, 200, offline=True)
        for load in ({"concurrency": 16}, {"concurrency": 200}, {"batch": 16}, {"batch": 200}):
            placed, found = asked(engine, where, 700, 200, **load)
            in_batches = placed.calibration.name != "served" and queue.tpot_s > 2 * found.tpot_s
            floored = in_batches and prompt_floor_s(placed) > queue.tpot_s / 2
            assert found.output_tokens_per_s <= 1.25 * queue.output_tokens_per_s or floored, (where, load)
