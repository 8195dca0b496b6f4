"""Dimensions of published models, as their files state them, against the parameter counts on their model cards."""

from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.core.memory import parameters_by_component, total_parameters

PUBLISHED: dict[str, tuple[float, dict[str, Any]]] = {
    # https://huggingface.co/deepseek-ai/deepseek-moe-16b-base: 16.4B
    "deepseek-moe-16b": (
        16.4,
        {
            "model_type": "deepseek", "hidden_size": 2048, "num_hidden_layers": 28, "num_attention_heads": 16,
            "num_key_value_heads": 16, "intermediate_size": 10944, "moe_intermediate_size": 1408, "vocab_size": 102400,
            "n_routed_experts": 64, "n_shared_experts": 2, "num_experts_per_tok": 6, "first_k_dense_replace": 1,
            "moe_layer_freq": 1, "tie_word_embeddings": False,
        },
    ),
    # https://huggingface.co/HuggingFaceTB/SmolLM3-3B: 3.08B
    "smollm3-3b": (
        3.08,
        {
            "model_type": "smollm3", "hidden_size": 2048, "intermediate_size": 11008, "num_attention_heads": 16,
            "num_hidden_layers": 36, "num_key_value_heads": 4, "vocab_size": 128256, "max_window_layers": 28,
            "no_rope_layers": [1, 1, 1, 0] * 9, "sliding_window": None, "use_sliding_window": False,
        },
    ),
    # https://huggingface.co/ByteDance-Seed/Seed-OSS-36B-Instruct: 36B, 36.2B by its safetensors
    "seed-oss-36b": (
        36.2,
        {
            "model_type": "seed_oss", "attention_bias": True, "attention_out_bias": False, "head_dim": 128,
            "hidden_size": 5120, "intermediate_size": 27648, "num_attention_heads": 80, "num_hidden_layers": 64,
            "num_key_value_heads": 8, "vocab_size": 155136, "tie_word_embeddings": False, "residual_dropout": 0.1,
        },
    ),
    # https://huggingface.co/baidu/ERNIE-4.5-21B-A3B-PT: 21.8B by its safetensors
    "ernie-4.5-21b-a3b": (
        21.8,
        {
            "model_type": "ernie4_5_moe", "hidden_size": 2560, "intermediate_size": 12288, "num_attention_heads": 20,
            "num_key_value_heads": 4, "num_hidden_layers": 28, "moe_num_experts": 64, "moe_num_shared_experts": 2,
            "moe_k": 6, "moe_intermediate_size": 1536, "moe_layer_start_index": 1, "moe_layer_end_index": 27,
            "moe_layer_interval": 1, "moe_capacity": [64, 64, 64], "moe_gate": "topk", "use_bias": False,
            "vocab_size": 103424, "tie_word_embeddings": True,
        },
    ),
    # https://huggingface.co/swiss-ai/Apertus-8B-2509: 8.05B by its safetensors
    "apertus-8b": (
        8.05,
        {
            "model_type": "apertus", "hidden_act": "xielu", "hidden_size": 4096, "intermediate_size": 21504,
            "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "qk_norm": True,
            "post_norm": False, "vocab_size": 131072, "tie_word_embeddings": False,
        },
    ),
    # https://huggingface.co/tencent/Hunyuan-A13B-Instruct: 80B, 80.4B by its safetensors
    "hunyuan-a13b": (
        80.4,
        {
            "model_type": "hunyuan_v1_moe", "hidden_size": 4096, "intermediate_size": 3072, "num_attention_heads": 32,
            "num_key_value_heads": 8, "num_hidden_layers": 32, "num_experts": 64, "moe_topk": [8] * 32,
            "num_shared_expert": [1] * 32, "moe_intermediate_size": [3072] * 32, "head_dim": 128,
            "use_qk_norm": True, "vocab_size": 128167, "tie_word_embeddings": True, "cla_share_factor": 2,
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_billions_of_parameters(name: str) -> None:
    billions, config = PUBLISHED[name]
    reading = read_config(config)
    digits = len(str(billions).split(".")[1])
    assert round(total_parameters(reading.model) / 1e9, digits) == billions
    assert reading.assumptions == ()


def test_empty_experts_hold_nothing_and_are_named() -> None:
    """LongCat-Flash is published with 560 billion parameters (https://huggingface.co/meituan-longcat/LongCat-Flash-Chat).

    28 layers x 512 experts x 3 x 6144 x 2048 = 541.166 billion of them are experts.
    """
    sizes = {
        "hidden_size": 6144,
        "ffn_hidden_size": 12288,
        "expert_ffn_hidden_size": 2048,
        "vocab_size": 131072,
    }
    counts = {"num_layers": 28, "num_attention_heads": 64, "n_routed_experts": 512, "zero_expert_num": 256}
    reading = read_config({"model_type": "longcat_flash", **sizes, **counts, "moe_topk": 12})
    assert parameters_by_component(reading.model)["experts"] == 541_165_879_296
    assert total_parameters(reading.model) == pytest.approx(560e9, rel=0.005)
    assert "256 empty experts" in reading.assumptions[0]
    assert reading.confidence == "approximate"
