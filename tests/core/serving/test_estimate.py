"""Loads: closed loops simulated and in closed form, arrivals, static batches, long queues."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_calc.core.serving import arrivals, batch, disaggregated, estimate
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.estimate import Deployment
from llm_calc.core.serving.host import NO_HOST, HostTimes
from llm_calc.core.serving.rates import Kernels
from llm_calc.core.serving.run import mean_start
from llm_calc.core.serving.scheduler import simulate
from llm_calc.core.serving.speculation import Draft
from llm_calc.core.serving.traffic import Scheduling, Served, Traffic, poisson_arrivals
from tests.builders import deepseek_v3, llama, mixtral
from tests.core.serving.cases import MACHINE, PERFECT, rates, work

LENGTHS = Lengths(input_tokens=1024.0, output_tokens=256.0)
DEPLOYMENT = Deployment(work=work(llama(), tensor=4), rates=rates(), capacity=1000.0, limit=1000.0)
DEALT = Deployment(work=work(deepseek_v3(), data=8, expert=8), rates=rates(), capacity=1000.0, limit=1000.0)


@pytest.mark.parametrize("deployment", [DEPLOYMENT, DEALT], ids=["tensor", "experts dealt"])
@pytest.mark.parametrize("concurrency", [4, 32, 256])
def test_the_closed_form_is_near_the_simulated_scheduler(deployment: Deployment, concurrency: int) -> None:
    formula = estimate.closed_form(deployment, LENGTHS, float(concurrency))
    simulated = estimate.simulated_loop(deployment, LENGTHS, concurrency)
    assert formula.tpot_s == pytest.approx(simulated.tpot_s, rel=0.12)
    assert formula.output_tokens_per_s == pytest.approx(simulated.output_tokens_per_s, rel=0.15)


def test_the_closed_form_of_arrays_is_that_of_numbers() -> None:
    many = np.array([1.0, 8.0, 64.0, 2000.0])
    together = estimate.closed_form(DEPLOYMENT, LENGTHS, many)
    for index, concurrency in enumerate(many):
        alone = estimate.closed_form(DEPLOYMENT, LENGTHS, float(concurrency))
        for name in ("ttft_s", "tpot_s", "request_latency_s", "output_tokens_per_s", "running"):
            assert np.asarray(getattr(together, name))[index] == pytest.approx(
                getattr(alone, name), rel=1e-12
            )


def test_one_request_in_flight_waits_for_its_own_prefill_only() -> None:
    one = estimate.simulated_loop(DEPLOYMENT, LENGTHS, 1)
    least = batch.prefill_seconds(DEPLOYMENT.work, DEPLOYMENT.rates, 1.0, LENGTHS)
    assert 0.7 * float(least) < float(one.ttft_s) <= 1.05 * float(least)


def test_beyond_the_cache_requests_wait_and_no_more_run_than_fit() -> None:
    tight = replace(DEPLOYMENT, capacity=16.0)
    roomy, short = (estimate.simulated_loop(each, LENGTHS, 64) for each in (DEPLOYMENT, tight))
    assert float(short.running) <= 16.0 / 0.8
    assert float(short.ttft_s) > 5 * float(roomy.ttft_s)
    assert float(short.tpot_s) < float(roomy.tpot_s)


def test_every_request_of_a_run_is_answered_in_full() -> None:
    traffic = Traffic(input_tokens=512.0, output_tokens=64.0, slots=20)
    served = estimate.serve(DEPLOYMENT, traffic)
    expected = sum(traffic.lengths(number + 1)[1] for number in range(200))
    assert served.output_tokens == pytest.approx(expected)
    assert len(served.ttft_s) == len(served.latency_s) == 200
    assert (served.latency_s >= served.ttft_s.min()).all()


def test_grouped_slots_see_what_single_ones_see(monkeypatch: pytest.MonkeyPatch) -> None:
    grouped = estimate.simulated_loop(DEPLOYMENT, LENGTHS, 128)
    for module in ("clock", "scheduler", "estimate"):
        monkeypatch.setattr(f"llm_calc.core.serving.{module}.MOST_SLOTS", 128)
    single = estimate.simulated_loop(DEPLOYMENT, LENGTHS, 128)
    assert grouped.tpot_s == pytest.approx(single.tpot_s, rel=0.02)
    assert grouped.ttft_s == pytest.approx(single.ttft_s, rel=0.15)


def test_a_full_deployment_serves_no_less_however_many_wait() -> None:
    tight = replace(DEPLOYMENT, capacity=64.0)
    long = Lengths(input_tokens=6000.0, output_tokens=128.0)
    few, many = (estimate.simulated_loop(tight, long, slots) for slots in (128, 8192))
    assert float(many.requests_per_s) > 0.9 * float(few.requests_per_s)


@pytest.mark.parametrize(
    ("start", "own", "chunk", "steps", "mean"),
    [(0.0, 8000.0, 1000.0, 8, 3500.0), (4000.0, 8000.0, 1000.0, 2, 4500.0), (0.0, 900.0, 900.0, 40, 0.0)],
)
def test_chunks_begin_within_their_own_prompt(
    start: float, own: float, chunk: float, steps: int, mean: float
) -> None:
    assert mean_start(start, 0.0, own, chunk, steps) == mean
    assert mean_start(start + 50.0, 50.0, own, chunk, steps) == mean + 50.0


def test_who_waits_behind_a_full_cache_waits_for_those_before_and_slows_nobody() -> None:
    """Little's law: all requests in flight over requests a second are a request's whole time."""
    small = replace(DEPLOYMENT, capacity=3.0)
    lengths = Lengths(input_tokens=8000, output_tokens=200)
    runs = {count: estimate.simulated_loop(small, lengths, count) for count in (64, 65, 256, 4096)}
    for count, run in runs.items():
        assert run.output_tokens_per_s == pytest.approx(runs[64].output_tokens_per_s, rel=1e-9)
        assert run.request_latency_s == pytest.approx(count / run.requests_per_s, rel=1e-9)
        percentiles = dict(run.percentiles)
        assert percentiles["tpot_s"] == dict(runs[64].percentiles)["tpot_s"]
        assert percentiles["ttft_s"][0] <= percentiles["ttft_s"][-1]


def test_prefill_first_keeps_first_tokens_early_and_stretches_the_others() -> None:
    first = replace(DEPLOYMENT, scheduling=Scheduling(policy="prefill_first"))
    mixed, eager = (estimate.simulated_loop(each, LENGTHS, 64) for each in (DEPLOYMENT, first))
    assert float(eager.ttft_s) < float(mixed.ttft_s)


def test_rare_arrivals_see_an_idle_engine_and_many_a_queue() -> None:
    rare = arrivals.simulated_arrivals(DEPLOYMENT, LENGTHS, 0.01)
    alone = batch.decode_seconds(DEPLOYMENT.work, DEPLOYMENT.rates, 1.0, LENGTHS)
    assert rare.tpot_s == pytest.approx(float(alone), rel=0.02)
    assert rare.requests_per_s == pytest.approx(0.01, rel=0.05)
    many = arrivals.simulated_arrivals(DEPLOYMENT, LENGTHS, 1000.0)
    assert dict(many.percentiles)["ttft_s"][3] > 20 * dict(rare.percentiles)["ttft_s"][3]


def test_arrivals_have_the_rate_that_was_asked_for() -> None:
    times = np.array(poisson_arrivals(5.0, 300))
    assert times[-1] == pytest.approx(60.0)
    assert np.diff(times).std() == pytest.approx(0.2, rel=0.15)


@pytest.mark.parametrize("bound", ["capacity", "limit"])
def test_a_static_batch_runs_in_rounds_of_what_is_held_at_once(bound: str) -> None:
    one = estimate.static_batch(DEPLOYMENT, LENGTHS, 2.0)
    held = estimate.static_batch(replace(DEPLOYMENT, **{bound: 2.0}), LENGTHS, 8.0)  # type: ignore[arg-type]
    assert held.request_latency_s == pytest.approx(4 * one.request_latency_s)


def test_a_static_batch_is_its_prefill_and_its_decode_steps() -> None:
    found = estimate.static_batch(DEPLOYMENT, LENGTHS, 8.0)
    assert found.request_latency_s == pytest.approx(float(found.ttft_s) + 255 * float(found.tpot_s))
    assert found.output_tokens_per_s == pytest.approx(8 * 256 / float(found.request_latency_s))


def test_pipeline_stages_overlap_on_chunks_of_a_prompt_where_the_engine_does_so() -> None:
    prompt = Lengths(input_tokens=4096.0, output_tokens=1.0)
    chunked = rates(kernels=Kernels(name="", prompt_tokens=512, stages_overlap=True))
    one = float(batch.prefill_seconds(work(llama()), chunked, 1.0, prompt))
    four = float(batch.prefill_seconds(work(llama(), pipeline=4), chunked, 1.0, prompt))
    assert one * (8 + 3) / (8 * 4) < four < one


def test_a_long_queue_delivers_at_least_what_a_closed_loop_of_its_size_does() -> None:
    queue = estimate.queue_of_many(DEPLOYMENT, LENGTHS)
    loop = estimate.closed_form(DEPLOYMENT, LENGTHS, 1000.0)
    assert float(queue.output_tokens_per_s) > 0.8 * float(loop.output_tokens_per_s)
    assert queue.total_tokens_per_s == pytest.approx(float(queue.output_tokens_per_s) * 5)


def test_a_queue_of_one_sequence_serves_one_after_the_other() -> None:
    """Its prompt goes through in one step, not a few tokens in each, which would all take a prompt's least time."""
    slow = replace(DEPLOYMENT, rates=replace(DEPLOYMENT.rates, prefill_layer_s=1e-3), capacity=1.0)
    queue, one = estimate.queue_of_many(slow, LENGTHS), estimate.static_batch(slow, LENGTHS, 1.0)
    assert queue.requests_per_s == pytest.approx(float(one.requests_per_s), rel=0.03)


def test_cached_prompts_shorten_the_first_token_only() -> None:
    cached = replace(LENGTHS, cached_fraction=0.75)
    whole, most = (estimate.simulated_loop(DEPLOYMENT, each, 32) for each in (LENGTHS, cached))
    assert float(most.ttft_s) < 0.6 * float(whole.ttft_s)
    assert float(most.tpot_s) < float(whole.tpot_s)


def test_drafts_gain_what_leviathan_derives() -> None:
    draft = Draft(tokens=3, acceptance=0.8, cost_fraction=0.05)
    assert draft.tokens_per_step == pytest.approx(1 + 0.8 + 0.8**2 + 0.8**3)
    assert draft.seconds_per_token(1.0) == pytest.approx(1.15 / draft.tokens_per_step)
    assert Draft(tokens=4, acceptance=1.0).tokens_per_step == 5
    fast = estimate.simulated_loop(replace(DEPLOYMENT, draft=draft), LENGTHS, 8)
    assert float(fast.tpot_s) < 0.6 * float(estimate.simulated_loop(DEPLOYMENT, LENGTHS, 8).tpot_s)


@settings(max_examples=60, deadline=None)
@given(
    prompt=st.integers(1, 20_000),
    output=st.integers(1, 2_000),
    requests=st.integers(2, 600),
    draft=st.builds(
        Draft,
        tokens=st.integers(0, 8),
        acceptance=st.floats(0.0, 1.0),
        cost_fraction=st.floats(0.0, 0.2),
    ),
    load=st.sampled_from(["queue", "loop", "closed form", "arrivals", "batch"]),
)
def test_no_load_multiplies_more_than_the_peak(
    prompt: int, output: int, requests: int, draft: Draft, load: str
) -> None:
    """Every served token passes all matrices once, whatever was drafted: ``tokens/s x FLOPs <= peak``."""
    ideal = replace(DEPLOYMENT, rates=rates(1.0, PERFECT), draft=draft)
    lengths = Lengths(input_tokens=float(prompt), output_tokens=float(output))
    found = {
        "queue": lambda: estimate.queue_of_many(ideal, lengths),
        "loop": lambda: estimate.simulated_loop(ideal, lengths, requests),
        "closed form": lambda: estimate.closed_form(ideal, lengths, float(requests)),
        "arrivals": lambda: arrivals.simulated_arrivals(ideal, lengths, 1e6),
        "batch": lambda: estimate.static_batch(ideal, lengths, float(requests)),
    }[load]()
    *inside, head = (float(each.flops_per_token) for each in ideal.work.linear)
    a_request = (prompt + output - 1) * sum(inside) + output * head
    assert float(found.requests_per_s) * a_request <= MACHINE.wide_flops_per_s


def test_what_a_server_adds_is_added_to_the_first_token() -> None:
    host = HostTimes(request_s=0.01, prompt_token_s=1e-5, arrival_s=1e-3, stream_tokens=2.0)
    plain = estimate.simulated_loop(DEPLOYMENT, LENGTHS, 16)
    seen = estimate.simulated_loop(replace(DEPLOYMENT, host=host), LENGTHS, 16)
    added = 0.01 + 1024e-5 + 4e-3 + 2 * float(plain.tpot_s)
    assert float(seen.ttft_s) - float(plain.ttft_s) == pytest.approx(added)


def test_decode_apart_from_prefill_is_never_interrupted() -> None:
    pools = disaggregated.Pools(
        prefill_replicas=1, decode_replicas=1, cache_bytes_per_token=131072.0, link_bytes_per_s=4e11
    )
    apart = disaggregated.estimate(DEPLOYMENT, pools, LENGTHS, 32.0)
    together = estimate.simulated_loop(DEPLOYMENT, LENGTHS, 32)
    assert float(apart.tpot_s) < float(together.tpot_s)
    prefill = batch.prefill_seconds(DEPLOYMENT.work, DEPLOYMENT.rates, 1.0, LENGTHS)
    assert float(apart.requests_per_s) <= 1.0 / float(prefill) * (1 + 1e-9)


def test_single_tokens_come_as_fast_as_all_prefill_replicas_compute_prompts() -> None:
    pools = disaggregated.Pools(
        prefill_replicas=4, decode_replicas=4, cache_bytes_per_token=131072.0, link_bytes_per_s=4e11
    )
    one = replace(LENGTHS, output_tokens=1.0)
    prefill = float(batch.prefill_seconds(DEPLOYMENT.work, DEPLOYMENT.rates, 1.0, one))
    found = disaggregated.estimate(DEPLOYMENT, pools, one, 64.0)
    assert found.requests_per_s == pytest.approx(4 / prefill)


@settings(max_examples=40, deadline=None)
@given(
    slots=st.integers(1, 200),
    prompt=st.integers(1, 20_000),
    output=st.integers(1, 400),
    capacity=st.floats(1.0, 300.0),
    policy=st.sampled_from(["mixed", "prefill_first"]),
)
def test_no_run_beats_the_steps_it_is_made_of(
    slots: int, prompt: int, output: int, capacity: float, policy: str
) -> None:
    deployment = replace(DEPLOYMENT, capacity=capacity, scheduling=Scheduling(policy=policy))  # type: ignore[arg-type]
    traffic = Traffic(
        input_tokens=float(prompt), output_tokens=float(output), slots=slots, requests_per_slot=2
    )
    served = estimate.serve(deployment, traffic)
    shortest = Lengths(input_tokens=0.8 * prompt, output_tokens=0.8 * output)
    step = float(batch.decode_seconds(deployment.work, deployment.rates, 1.0, shortest))
    assert len(served.latency_s) in (2 * slots, 2 * min(slots, 64))
    assert (served.ttft_s > 0).all()
    assert (served.tpot_s >= 0.999 * step).all()


def test_a_simulation_without_requests_ends_at_once() -> None:
    clock = StepClock(DEPLOYMENT.work, DEPLOYMENT.rates, contexts=(1.0, 2.0), groups=1)
    assert simulate(clock, Traffic(input_tokens=1.0, output_tokens=1.0), Scheduling(), 10.0).elapsed_s == 0.0


def test_experts_in_a_long_queue_are_all_read() -> None:
    queue = estimate.queue_of_many(replace(DEPLOYMENT, work=work(mixtral(), tensor=2)), LENGTHS)
    assert float(queue.running) == 1000.0


@pytest.mark.parametrize("deployment", [DEPLOYMENT, DEALT], ids=["tensor", "experts dealt"])
@pytest.mark.parametrize("concurrency", [2, 8, 64])
def test_percentiles_of_whole_requests_are_of_those_of_the_mean(
    deployment: Deployment, concurrency: int
) -> None:
    """Lengths of a loop are drawn between 80 and 100 %, and all its times said of the full ones."""
    found = estimate.simulated_loop(deployment, LENGTHS, concurrency)
    assert found.each.latency_s.mean() == pytest.approx(float(found.request_latency_s), rel=1e-3)
    p50, p90, *_ = dict(found.percentiles)["request_latency_s"]
    assert p90 >= found.request_latency_s
    assert p50 == pytest.approx(float(found.request_latency_s), rel=0.1), "requests of one length see alike"


def test_a_shorter_answer_s_latency_is_said_of_the_full_length() -> None:
    """51 tokens in 1 + 50 x 0.1 s are 101 in 1 + 100 x 0.1 s."""
    seen = Served(
        ttft_s=np.array([1.0, 1.0]),
        tpot_s=np.array([0.1, 0.2]),
        latency_s=np.array([6.0, 21.0]),
        elapsed_s=21.0,
        output_tokens=152.0,
        mean_running=2.0,
        outputs=np.array([51.0, 101.0]),
    )
    assert seen.in_full(101.0) == pytest.approx([11.0, 21.0])


def test_latencies_of_a_run_grow_with_its_times_a_token() -> None:
    """100 further tokens of 0.1 s take 10 s of the run's 11 s; at 0.2 s a token all take 20 s, and the waits stay."""
    seen = Served(
        ttft_s=np.array([1.0, 1.0]),
        tpot_s=np.array([0.1, 0.1]),
        latency_s=np.array([11.0, 11.0]),
        elapsed_s=11.0,
        output_tokens=202.0,
        mean_running=2.0,
    )
    lengths = Lengths(input_tokens=1024.0, output_tokens=101.0)
    found = estimate.from_run(replace(DEPLOYMENT, host=NO_HOST), lengths, seen, 2.0, 0.2, None)
    assert found.request_latency_s == pytest.approx(21.0)
    assert dict(found.percentiles)["request_latency_s"] == pytest.approx([21.0] * 4)
