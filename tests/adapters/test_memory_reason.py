"""The sentence of a memory plan names what decides: the pool that is full, or why the engine does not start."""

import re
from typing import Any

import pytest

from llm_calc.adapters import operations
from llm_calc.adapters.catalog import load_catalogs


def reason(**request: Any) -> str:
    return operations.MEMORY_PLAN.answered(request, load_catalogs()).reason


def test_a_full_pool_of_states_is_named_by_its_slots() -> None:
    """A request holds 5 slots of SGLang's states: 64 of them need 320."""
    said = reason(
        model="nemotron 3 nano",
        hardware={"gpu": "h100", "count": 1},
        engine={"name": "sglang"},
        workload={"input_tokens": 4000, "output_tokens": 500, "concurrency": 64},
    )
    slots = re.search(r"take 320 of the (\d+) slots of recurrent state, 5 a sequence", said)
    assert slots is not None, said
    assert f"does not fit; memory holds {int(slots[1]) // 5} of that length" in said


def test_a_full_pool_of_tokens_is_named_beside_states_with_room() -> None:
    """Together the pools have room for 49 sequences over two replicas; the tokens of full layers have not for 25."""
    said = reason(
        model={"name": "qwen3.5-397b-a17b"},
        hardware={"gpu": "mi355x", "count": 4},
        parallelism={"tensor": 2, "data": 2, "expert": 4},
        engine={"name": "sglang"},
        workload={"input_tokens": 66_000, "output_tokens": 590, "concurrency": 49},
    )
    pool = re.search(
        r"take (\S+) GiB of the (\S+) GiB in each replica's pool of full layers: this does not fit", said
    )
    assert pool is not None, said
    assert float(pool[1]) > float(pool[2])


@pytest.mark.parametrize(
    ("model", "engine", "concurrency"),
    [
        ("nemotron 3 nano", "sglang", 64),
        ("gpt-oss-120b", "sglang", 400),
        ("llama-3.1-8b", "vllm", 400),
    ],
)
def test_what_does_not_fit_takes_more_than_there_is(model: str, engine: str, concurrency: int) -> None:
    said = reason(
        model=model,
        hardware={"gpu": "h100", "count": 1},
        engine={"name": engine},
        workload={"input_tokens": 4000, "output_tokens": 500, "concurrency": concurrency},
    )
    sizes = re.search(r"(\d+\.\d+) GiB of (?:the )?(\d+\.\d+) GiB", said)
    assert sizes is not None, said
    assert "this does not fit" in said
    assert float(sizes[1]) > float(sizes[2])


def test_a_default_context_that_does_not_start_is_named_with_its_size() -> None:
    """gpt-oss-120b's own context takes more than one H100 has left, whatever the request's own length is."""
    said = reason(
        model="gpt-oss-120b",
        hardware={"gpu": "h100", "count": 1},
        workload={"input_tokens": 1000, "output_tokens": 500, "concurrency": 1},
    )
    default = re.search(
        r"does not start with its default context of 131072 tokens, of which one sequence takes (\S+) GiB of the "
        r"(\S+) GiB; state a shorter one$",
        said,
    )
    assert default is not None, said
    assert float(default[1]) > float(default[2])
