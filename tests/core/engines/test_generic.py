"""The engine that wastes nothing: exactly what the model needs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_calc.core.memory import kv_cache_bytes
from llm_calc.core.model import Model
from tests.builders import deepseek_v3
from tests.core.engines.setups import engine, llama_3_8b, recurrent, setup, sliding

MODELS = {
    "dense": llama_3_8b(),
    "latent": deepseek_v3(),
    "sliding": sliding(2, 10),
    "recurrent": recurrent(2, 6),
}


@settings(deadline=None)
@given(model=st.sampled_from(sorted(MODELS)).map(MODELS.__getitem__), context=st.integers(1, 1 << 20))
def test_a_sequence_takes_what_the_model_needs(model: Model, context: int) -> None:
    (pool,) = engine("generic").plan(setup(model, memory_gib=1500)).pools
    assert pool.sequence_bytes(context) == pytest.approx(float(kv_cache_bytes(model, context)))


def test_no_engine_holds_more_than_the_generic_one_with_the_same_budget() -> None:
    (exact,) = engine("generic").plan(setup(sliding(2, 10))).pools
    for name in ("vllm", "trtllm"):
        (pool,) = engine(name).plan(setup(sliding(2, 10))).pools
        assert float(pool.sequence_bytes(10_000)) >= float(exact.sequence_bytes(10_000))


def test_latent_caches_are_whole_on_every_gpu() -> None:
    one = engine("generic").plan(setup(deepseek_v3(), memory_gib=1500))
    eight = engine("generic").plan(setup(deepseek_v3(), memory_gib=1500, tensor=8))
    assert one.bytes_per_token == eight.bytes_per_token == 61 * 576 * 2
