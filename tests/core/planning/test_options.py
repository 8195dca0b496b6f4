"""Options that plans start engines with."""

import pytest

from llm_calc.core.planning.options import Needed, options_for


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
    first, second = options_for(engine, needed(5, replicas=2))
    assert first == {context: 1000}
    assert second == {context: 1000, most: value}


def test_llama_cpp_has_a_slot_of_whole_cells_for_every_request() -> None:
    (only,) = options_for("llama.cpp", needed(5))
    assert only == {"n_ctx": 5 * 1024, "n_parallel": 5, "kv_unified": False, "fit": False}


def test_llama_cpp_halves_its_slots_where_the_load_is_open() -> None:
    slots = [each["n_parallel"] for each in options_for("llama.cpp", needed(10, is_open=True))]
    assert slots == [64, 32, 16]


def test_llama_cpp_takes_no_more_slots_than_it_can() -> None:
    (first, *_) = options_for("llama.cpp", needed(300))
    assert first["n_parallel"] == 256


def test_mlx_is_told_how_many_decode_at_once() -> None:
    assert list(options_for("mlx", needed(7))) == [{}, {"decode_concurrency": 7}]
