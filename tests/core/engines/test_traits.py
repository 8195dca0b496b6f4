"""Options that plans start engines with, and what else sets engines apart."""

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.core.engines import traits_of
from llm_calc.core.engines.starting import Needed
from llm_calc.core.engines.traits import Traits


def needed(requests: int, *, replicas: int = 1, is_open: bool = False) -> Needed:
    return Needed(context_tokens=1000, requests=requests, replicas=replicas, open=is_open)


@pytest.mark.parametrize(
    ("engine", "context", "most", "value"),
    [
        ("vllm", "max_model_len", "max_num_seqs", 3),
        ("sglang", "context_length", "max_running_requests", 6),  # of all replicas together
        ("trtllm", "max_seq_len", "max_batch_size", 3),
    ],
)
def test_servers_are_started_with_the_context_and_then_the_sequences(
    engine: str, context: str, most: str, value: int
) -> None:
    """Five requests on two replicas of attention are three on the fuller one."""
    first, second = traits_of(engine).load.started(needed(5, replicas=2))
    assert first == {context: 1000}
    assert second == {context: 1000, most: value}


def test_llama_cpp_has_a_slot_of_whole_cells_for_every_request() -> None:
    (only,) = traits_of("llama.cpp").load.started(needed(5))
    assert only == {"n_ctx": 5 * 1024, "n_parallel": 5, "kv_unified": False, "fit": False}


def test_llama_cpp_halves_its_slots_where_the_load_is_open() -> None:
    slots = [each["n_parallel"] for each in traits_of("llama.cpp").load.started(needed(10, is_open=True))]
    assert slots == [64, 32, 16]


def test_llama_cpp_takes_no_more_slots_than_it_can() -> None:
    (first, *_) = traits_of("llama.cpp").load.started(needed(300))
    assert first["n_parallel"] == 256


def test_mlx_is_told_how_many_decode_at_once() -> None:
    assert list(traits_of("mlx").load.started(needed(7))) == [{}, {"decode_concurrency": 7}]


def test_a_card_of_sglang_keeps_deepseek_v4_in_eight_bits() -> None:
    """0.5.23 ``arg_groups/overrides.py``: fp8 for DeepSeek V4 on any card, for no other dense model."""
    catalogs = load_catalogs()
    own = traits_of("sglang").formats.cache_on
    models = {
        name: read_config(catalogs.model(name).config).model for name in ("deepseek-v4-flash", "llama-3.1-8b")
    }
    assert [own(model, catalogs.gpu("h100-80gb-sxm")) for model in models.values()] == ["fp8", None]


def test_an_unknown_engine_is_told_apart_by_nothing() -> None:
    assert traits_of(None) == traits_of("halver") == Traits()
