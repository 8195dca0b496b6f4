"""A question about a deployment: what varies of it, and whether memory holds what it asks."""

from dataclasses import replace

import pytest

from llm_calc.core.deployments.question import (
    Asked,
    CacheRoom,
    Question,
    fits,
    headroom_bytes,
    replica_sequences,
    runs,
    whole_concurrency,
)
from llm_calc.core.engines import MemoryPlan
from llm_calc.core.parallelism import Layout
from tests.core.engines.setups import engine, setup

TOKEN_BYTES = 2 * 32 * 8 * 128 * 2
"""Keys and values of Llama-3-8B: 32 layers, 8 heads of 128, two bytes each."""


def question(sequences: int = 1, context_tokens: int = 1000, **options: int) -> Question:
    asked = Asked(sequences=sequences, context_tokens=context_tokens)
    return Question(setup=setup(), engine=engine("vllm", **options), asked=asked)


def test_headroom_falls_by_what_is_asked_for_besides() -> None:
    few, many = question(1).held(), question(3).held()
    left = headroom_bytes(few.plan, few.asked) - headroom_bytes(many.plan, many.asked)
    assert left == 2 * 63 * 16 * TOKEN_BYTES  # 1000 tokens lie in 63 blocks of 16


def test_replicas_share_what_is_asked_for() -> None:
    plan = replace(question().held().plan, replicas=2)
    assert replica_sequences(plan, Asked(sequences=5, context_tokens=10)) == 3


def test_what_fits_is_counted_in_whole_contexts() -> None:
    held = question(max_model_len=16_000).held()
    most = whole_concurrency(held.plan)
    assert most == pytest.approx(held.plan.kv_cache_tokens / 16_000, rel=1e-3)
    assert question(int(most), 16_000, max_model_len=16_000).held().fits
    assert not question(int(most) + 1, 16_000, max_model_len=16_000).held().fits


def test_longer_requests_than_the_context_do_not_run() -> None:
    held = question(1, 4097, max_model_len=4096).held()
    assert not held.fits
    assert not runs(held.plan, held.asked)
    assert fits(held.plan, Asked(sequences=1, context_tokens=4096))


def test_a_scheduler_may_run_fewer_than_memory_holds() -> None:
    held = question(9, 100, max_model_len=128, max_num_seqs=8).held()
    assert held.fits
    assert not held.is_scheduled
    assert question(8, 100, max_model_len=128, max_num_seqs=8).held().is_scheduled


def test_without_anything_asked_it_is_one_sequence_of_the_engines_context() -> None:
    held = replace(question(max_model_len=5000), asked=None).held()
    assert held.asked == Asked(sequences=1, context_tokens=5000)
    assert held.serves


def test_another_layout_is_the_same_question_over_more_gpus() -> None:
    one = question()
    four = one.over(Layout(tensor=4))
    assert four.setup == replace(one.setup, layout=Layout(tensor=4))
    assert four.held().plan.bytes_per_token == one.held().plan.bytes_per_token / 4
    other = one.under(engine("sglang"))
    assert (other.engine.name, other.setup, other.asked) == ("sglang", one.setup, one.asked)


def test_headroom_is_that_of_the_fullest_replica() -> None:
    """Five sequences on two replicas are three on one of them."""
    held = question(1).held()
    five, three = (Asked(sequences=count, context_tokens=1000) for count in (5, 3))
    assert headroom_bytes(replace(held.plan, replicas=2), five) == headroom_bytes(held.plan, three)


LONG = 8192 * TOKEN_BYTES
"""Keys and values of a context of 8192 tokens."""


class Load:
    """Requests at once."""

    load = "concurrency"

    def __init__(self, requests: int) -> None:
        self.requests_in_flight = requests


def plan_of(contexts: int) -> MemoryPlan:
    """A plan that holds so many contexts of 8192 tokens, and the block that vLLM keeps for itself."""
    cache = contexts * LONG + 16 * TOKEN_BYTES
    return engine("vllm", max_model_len=8192, kv_cache_memory_bytes=cache).plan(setup())


@pytest.mark.parametrize(
    ("planned", "timed", "taken", "requests", "held"),
    [
        (5, 5, 9.0, 5, None),  # no more come than are planned for
        (5, 5, 9.0, 6, 5),  # more come, and nine are taken
        (5, 5, 5.0, 6, None),  # more come, and no more are taken
        (5, 7, 7.0, 6, 5),  # timed in another plan with room for seven: what the first held is said
        (5, 7, 9.0, 8, 5),
        (5, 7, 7.0, 5, None),
        (1, 1, 2.0, 2, 1),
        (0, 0, 2.0, 2, None),  # what does not run has no figures
    ],
)
def test_a_cache_that_is_taken_larger_than_planned_is_said_where_more_come_than_were_planned_for(
    planned: int, timed: int, taken: float, requests: int, held: int | None
) -> None:
    room = CacheRoom(
        planned=plan_of(planned), timed=plan_of(timed), taken_sequences=taken, context_tokens=8192, replicas=1
    )
    words = room.warnings(Load(requests))
    said = [f"the KV cache holds {held} request{'' if held == 1 else 's'} of" in each for each in words]
    assert said == ([] if held is None else [True])
    assert all(f"figures take {taken:.1f}" in each for each in words)
    # Two replicas hold twice as many.
    assert not replace(room, replicas=2).is_larger(Load(2 * timed))
