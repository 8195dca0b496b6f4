"""What holds for every engine, whatever the model, the card and the options."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_calc.core.engines import MemoryPlan
from llm_calc.core.model import Model
from tests.builders import deepseek_v3, mixtral
from tests.core.engines.setups import ENGINE_NAMES, UTILIZATION, engine, llama_3_8b, recurrent, setup, sliding

MODELS: dict[str, Model] = {
    "dense": llama_3_8b(),
    "experts": mixtral(),
    "latent": deepseek_v3(),
    "sliding": sliding(2, 10),
    "recurrent": recurrent(2, 6),
    "states alone": recurrent(0, 6),
}
models = st.sampled_from(sorted(MODELS)).map(MODELS.__getitem__)
engines = st.sampled_from(ENGINE_NAMES)
memories = st.floats(min_value=4, max_value=2000)
fractions = st.floats(min_value=0.05, max_value=1.0)


def plan_of(name: str, model: Model, memory_gib: float, **options: Any) -> MemoryPlan:
    return engine(name, **options).plan(setup(model, memory_gib=memory_gib))


@settings(deadline=None)
@given(name=engines, model=models, memory_gib=memories)
def test_the_parts_add_up_to_the_memory(name: str, model: Model, memory_gib: float) -> None:
    budget = plan_of(name, model, memory_gib).budget
    parts = (
        budget.weights_bytes,
        budget.activation_peak_bytes,
        budget.cuda_graphs_bytes,
        budget.framework_bytes,
        budget.kv_cache_bytes,
        budget.unallocated_bytes,
    )
    assert sum(parts) == pytest.approx(budget.memory_bytes)
    assert min(parts[:-1]) >= 0


@settings(deadline=None)
@given(name=engines, model=models, memory_gib=memories)
def test_the_cache_stays_within_what_is_usable(name: str, model: Model, memory_gib: float) -> None:
    plan = plan_of(name, model, memory_gib)
    if name == "llama.cpp":
        assert plan.starts == (plan.budget.kv_cache_bytes <= plan.available_bytes)
    else:
        assert plan.budget.kv_cache_bytes <= max(0.0, plan.available_bytes) + 1
        assert plan.budget.usable_bytes <= plan.budget.memory_bytes or plan.available_bytes <= 0


@settings(deadline=None)
@given(
    name=st.sampled_from(sorted(UTILIZATION)),
    model=models,
    memory_gib=memories,
    some=fractions,
    more=fractions,
)
def test_more_utilization_never_gives_fewer_tokens(
    name: str, model: Model, memory_gib: float, some: float, more: float
) -> None:
    low, high = sorted((some, more))
    few = plan_of(name, model, memory_gib, **{UTILIZATION[name]: low})
    many = plan_of(name, model, memory_gib, **{UTILIZATION[name]: high})
    assert many.kv_cache_tokens >= few.kv_cache_tokens
    assert many.max_context_tokens() >= few.max_context_tokens()
    assert many.starts or many.refusals or not few.starts  # some shares leave no room beside them


@settings(deadline=None)
@given(name=engines, model=models, memory_gib=memories, factor=st.floats(min_value=1, max_value=4))
def test_what_fits_fits_on_a_larger_card(name: str, model: Model, memory_gib: float, factor: float) -> None:
    # Derived defaults change with the size of a card (vLLM and SGLang batch more on larger ones): they are given.
    options: dict[str, dict[str, Any]] = {
        "vllm": {"max_num_seqs": 256, "max_num_batched_tokens": 2048},
        "sglang": {"mem_fraction_static": 0.85, "chunked_prefill_size": 2048, "cuda_graph_max_bs": 64},
    }
    small = plan_of(name, model, memory_gib, **options.get(name, {}))
    large = plan_of(name, model, memory_gib * factor, **options.get(name, {}))
    assert large.starts or not small.starts
    assert large.max_concurrency(4096) >= small.max_concurrency(4096)


@settings(deadline=None)
@given(name=engines, model=models, contexts=st.lists(st.integers(1, 1 << 20), min_size=1, max_size=5))
def test_arrays_answer_as_scalars_do(name: str, model: Model, contexts: list[int]) -> None:
    plan = plan_of(name, model, 1500)
    at_once = plan.max_concurrency(np.array(contexts, dtype=np.float64))
    assert np.atleast_1d(at_once).tolist() == [plan.max_concurrency(context) for context in contexts]


@settings(deadline=None)
@given(name=engines, model=models, sequences=st.integers(1, 500))
def test_the_longest_context_is_the_last_that_fits(name: str, model: Model, sequences: int) -> None:
    plan = plan_of(name, model, 1500)
    longest = plan.max_context_tokens(sequences)
    if plan.places is not None:  # what memory holds, whatever was made at start
        assert longest >= plan.max_model_len_tokens or sequences > plan.max_concurrency(1)
    elif longest == 0:
        assert plan.max_concurrency(1) < sequences
    else:
        assert plan.max_concurrency(longest) >= sequences
        assert longest == 1 << 27 or plan.max_concurrency(longest + 1) < sequences


@pytest.mark.parametrize("name", ["vllm", "sglang", "trtllm", "generic"])
def test_replicas_hold_sequences_of_their_own(name: str) -> None:
    options = {"mem_fraction_static": 0.9} if name == "sglang" else {}
    one = engine(name, **options).plan(setup(memory_gib=60))
    four = engine(name, **options).plan(setup(memory_gib=60, data=4))
    assert four.replicas == 4
    assert four.kv_cache_tokens == 4 * four.tokens_per_replica
    assert four.sequences(1000) == pytest.approx(4 * one.sequences(1000), rel=0.05)
