"""Models from dimensions: what is assumed, and what is refused rather than ignored."""

from typing import Any

import pytest

from llm_calc.core.architectures.dimensions import Dimensions, custom_model
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.memory import active_parameters, kv_cache_bytes_per_token, total_parameters


def dimensions(**further: Any) -> Dimensions:
    return Dimensions(
        **{"hidden_dim": 4096, "ff_dim": 11008, "num_layers": 32, "vocab_size": 32000} | further
    )


def test_four_dimensions_give_llama_2_7b() -> None:
    model, assumptions = custom_model(dimensions())
    assert total_parameters(model) == 6_738_415_616
    assert assumptions == ("num_attention_heads was not given: 32 heads of 128 were taken",)


def test_experts_stand_behind_the_leading_dense_layers() -> None:
    sizes = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 1024, "num_dense_layers": 2}
    model, _ = custom_model(dimensions(**sizes))
    assert [group.calls for group in model.groups] == [2, 30]
    idle = 30 * (8 - 2) * 3 * 4096 * 1024
    assert total_parameters(model) - active_parameters(model) == idle


def test_a_shared_expert_adds_its_three_matrices_to_every_layer_with_experts() -> None:
    sizes = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 1024, "num_dense_layers": 2}
    plain, shared = (
        custom_model(dimensions(**sizes, shared_expert_intermediate_size=width))[0] for width in (0, 512)
    )
    assert total_parameters(shared) - total_parameters(plain) == 30 * 3 * 4096 * 512
    assert active_parameters(shared) - active_parameters(plain) == 30 * 3 * 4096 * 512


def test_a_head_width_alone_sets_the_heads() -> None:
    model, assumptions = custom_model(dimensions(head_dim=256, num_key_value_heads=4))
    assert assumptions == ("num_attention_heads was not given: 16 heads of 256 were taken",)
    assert kv_cache_bytes_per_token(model) == 2 * 32 * 4 * 256 * 2


@pytest.mark.parametrize(
    ("further", "field"),
    [
        ({"head_dim": 96}, "head_dim"),
        ({"num_attention_heads": 48}, "num_attention_heads"),
        ({"num_attention_heads": 32, "num_key_value_heads": 5}, "num_key_value_heads"),
        ({"num_experts": 8}, "num_experts_per_tok"),
        ({"num_experts": 8, "num_experts_per_tok": 9}, "num_experts_per_tok"),
        ({"num_experts": 8, "num_experts_per_tok": 2, "num_dense_layers": 32}, "num_dense_layers"),
        ({"num_experts_per_tok": 2}, "num_experts_per_tok"),
        ({"moe_intermediate_size": 1024}, "moe_intermediate_size"),
        ({"shared_expert_intermediate_size": 1024}, "shared_expert_intermediate_size"),
        ({"num_dense_layers": 1}, "num_dense_layers"),
    ],
)
def test_dimensions_that_contradict_or_change_nothing_are_refused(
    further: dict[str, int], field: str
) -> None:
    with pytest.raises(InvalidInputError, match=f"^{field}: ") as refused:
        custom_model(dimensions(**further))
    assert refused.value.field == field
