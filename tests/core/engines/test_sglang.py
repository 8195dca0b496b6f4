"""SGLang: the static share, its default, and the pools that it is dealt to."""

import pytest

from llm_calc.core.engines.sglang import Sglang, captured_sizes, card_class
from tests.builders import mixtral
from tests.core.engines.setups import GIB, engine, recurrent, setup, sliding


def sglang(**options: object) -> Sglang:
    found = engine("sglang", **options)
    assert isinstance(found, Sglang)
    return found


@pytest.mark.parametrize(
    ("memory_gib", "tensor", "expected"),
    [
        # 512 + 1.5 x 8192 + 2 x 256 + 128 = 13 440 MiB of 81 080
        (79.18, 1, round(1 - 13_440 / (79.18 * 1024), 3)),
        # 512 + 1.5 x 2048 + 2 x 24 + 128 = 3 760 MiB
        (23.58, 1, round(1 - 3_760 / (23.58 * 1024), 3)),
        # 512 + 1.5 x 8192 + 2 x 512 + 128 x 8 = 14 848 MiB
        (79.18, 8, round(1 - 14_848 / (79.18 * 1024), 3)),
    ],
)
def test_the_default_share_leaves_the_reserve(memory_gib: float, tensor: int, expected: float) -> None:
    found = sglang().static_fraction(setup(memory_gib=memory_gib, tensor=tensor))
    assert found == pytest.approx(expected, abs=0.001)


def test_a_given_share_is_taken_as_it_is() -> None:
    assert sglang(mem_fraction_static=0.5).static_fraction(setup()) == 0.5


def test_data_parallel_attention_enlarges_the_reserve() -> None:
    assert sglang().static_fraction(setup(data=4)) < sglang().static_fraction(setup(tensor=4))


@pytest.mark.parametrize(
    ("memory_gib", "tensor", "expected"),
    [
        (16, 1, (2048, 8)),
        (24, 2, (2048, 24)),
        (24, 4, (2048, 80)),
        (48, 1, (4096, 32)),
        (180, 8, (16384, 512)),
    ],
)
def test_card_classes(memory_gib: float, tensor: int, expected: tuple[int, int]) -> None:
    assert card_class(setup(memory_gib=memory_gib, tensor=tensor)) == expected


@pytest.mark.parametrize(("largest", "sizes"), [(8, 4), (256, 35), (512, 51)])
def test_captured_sizes(largest: int, sizes: int) -> None:
    assert captured_sizes(largest) == sizes


def test_the_share_without_weights_is_the_pool() -> None:
    plan = sglang(mem_fraction_static=0.8).plan(setup(memory_gib=79.18))
    budget = plan.budget
    pool = (79.18 * GIB - budget.framework_bytes) * 0.8 - budget.weights_bytes
    assert plan.available_bytes == pytest.approx(pool, rel=1e-6)
    assert plan.tokens_per_replica == int(plan.available_bytes // 131_072)


def test_pages_round_the_pool_down() -> None:
    assert sglang(page_size=64).plan(setup()).tokens_per_replica % 64 == 0


def test_sliding_layers_have_a_pool_of_their_own() -> None:
    plan = sglang().plan(setup(sliding(2, 10)))
    full, window = plan.pools
    assert (full.name, window.name) == ("full", "sliding")
    assert plan.bytes_per_token == pytest.approx(2 * 2048 + 0.8 * 10 * 2048)
    assert window.capacity_bytes / 10 == pytest.approx(0.8 * full.capacity_bytes / 2, rel=1e-4)
    assert window.sequence_bytes(100_000) == (1024 + 1) * 10 * 2048


def test_a_model_of_windows_alone_has_one_pool() -> None:
    (only,) = sglang().plan(setup(sliding(0, 4))).pools
    assert only.name == "sliding"


def test_states_have_slots_beside_the_tokens() -> None:
    plan = sglang(mamba_full_memory_ratio=1.0).plan(setup(recurrent(2, 6)))
    tokens, slots = plan.pools
    assert slots.capacity_bytes == pytest.approx(tokens.capacity_bytes, rel=1e-3)
    assert slots.sequence_bytes(1) == slots.sequence_bytes(10**6) == 6 * 400_000


def test_the_engine_starts_with_less_than_a_whole_context() -> None:
    assert sglang(context_length=10**6).plan(setup(memory_gib=24)).starts
    assert not sglang().plan(setup(memory_gib=12)).starts


def test_attention_is_replicated_and_experts_are_not() -> None:
    alone = sglang().plan(setup(mixtral())).budget.weights_bytes
    spread = sglang().plan(setup(mixtral(), data=4)).budget.weights_bytes
    experts = 32 * 8 * 3 * 4096 * 14336 * 2
    assert spread == pytest.approx(alone - experts * 3 / 4)


def test_graphs_can_be_switched_off() -> None:
    assert sglang(disable_cuda_graph=True).plan(setup()).budget.cuda_graphs_bytes == 0
