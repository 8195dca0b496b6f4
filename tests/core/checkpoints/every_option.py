"""One configuration or more for every reader, with the options that its tool writes, as files have them."""

from typing import Any

from tests.core.checkpoints.test_codebooks import BITNET, LLAMA_2_7B

SMALL: dict[str, Any] = {**LLAMA_2_7B, "num_hidden_layers": 2}
MIXTURE: dict[str, Any] = {
    **SMALL,
    "model_type": "qwen3_moe",
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 1024,
    "head_dim": 128,
}
OSS: dict[str, Any] = {
    "model_type": "gpt_oss",
    "hidden_size": 2880,
    "intermediate_size": 2880,
    "num_hidden_layers": 2,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "vocab_size": 1000,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "torch_dtype": "bfloat16",
    "layer_types": ["sliding_attention", "full_attention"],
    "sliding_window": 128,
}
HEAD = ["lm_head"]
CACHE = {"num_bits": 8, "type": "float", "strategy": "tensor", "symmetric": True, "dynamic": False}
QUARK_FP8 = {
    "dtype": "fp8_e4m3",
    "qscheme": "per_tensor",
    "symmetric": True,
    "observer_cls": "PerTensorMinMaxObserver",
    "scale_type": "float",
    "ch_axis": None,
    "group_size": None,
    "is_dynamic": False,
    "round_method": "half_even",
}
QUARK_INT4 = {**QUARK_FP8, "dtype": "int4", "qscheme": "per_group", "group_size": 32}
VECTORS = {
    "bias": None,
    "enable_norm": True,
    "enable_perm": True,
    "group_num": 1,
    "group_size": 4096,
    "in_features": 4096,
    "indices_as_float": False,
    "is_indice_packed": True,
    "num_centroids": [-1, 65536],
    "num_res_centroids": [-1, 256],
    "out_features": 4096,
    "outlier_size": 0,
    "vector_lens": [-1, 8],
}
Q_PROJ = "model.layers.0.self_attn.q_proj"
SPQR = {"dense_weights": 1048576, "row_offsets": 4097, "col_vals": 100000, "in_perm": 4096}
INT4_GROUP = {
    "format": "pack-quantized",
    "targets": ["Linear"],
    "input_activations": None,
    "output_activations": None,
    "weights": {
        "actorder": "group",
        "dynamic": False,
        "group_size": 128,
        "num_bits": 4,
        "observer": "minmax",
        "observer_kwargs": {},
        "strategy": "group",
        "symmetric": False,
        "type": "int",
        "zp_dtype": "torch.int8",
    },
}
NVFP4_GROUP = {
    "format": "nvfp4-pack-quantized",
    "targets": ["re:.*mlp.*"],
    "weights": {
        "num_bits": 4,
        "type": "float",
        "strategy": "tensor_group",
        "group_size": 16,
        "symmetric": True,
        "scale_dtype": "torch.float8_e4m3fn",
    },
    "input_activations": {"num_bits": 4, "type": "float", "group_size": 16, "dynamic": "local"},
}
BLOCK_GROUP = {
    "format": "float-quantized",
    "targets": ["re:.*self_attn.*"],
    "weights": {
        "num_bits": 8,
        "type": "float",
        "strategy": "block",
        "block_structure": [128, 128],
        "symmetric": True,
    },
    "input_activations": {"num_bits": 8, "type": "float", "strategy": "token", "dynamic": True},
}
FP8 = {"fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}
BNB = {
    "llm_int8_threshold": 6.0,
    "llm_int8_has_fp16_weight": False,
    "bnb_4bit_compute_dtype": "bfloat16",
    "bnb_4bit_quant_storage": "uint8",
}
AWQ = {"bits": 4, "group_size": 128, "zero_point": True, "version": "gemm", "backend": "autoawq"}
SMOOTHED = {"has_zero_point": False, "pre_quant_scale": True}
_Row = tuple[str, dict[str, Any], dict[str, Any]]
ROWS: list[_Row] = [
    ("fp8", SMALL, {**FP8, "scale_fmt": "ue8m0", "modules_to_not_convert": HEAD, "expert_dtype": "fp8"}),
    ("fp8", MIXTURE, {**FP8, "scale_fmt": "ue8m0", "modules_to_not_convert": HEAD, "expert_dtype": "fp4"}),
    (
        "fp8",
        SMALL,
        {
            "activation_scheme": "static",
            "ignored_layers": HEAD,
            "modules_to_convert": ["model.embed_tokens"],
            "kv_cache_scheme": CACHE,
        },
    ),
    ("fbgemm_fp8", SMALL, {"activation_scale_ub": 1200.0, "modules_to_not_convert": HEAD}),
    ("mxfp4", OSS, {"modules_to_not_convert": ["model.layers.*.self_attn", "lm_head"]}),
    ("mxfp8", SMALL, {**FP8, "scale_fmt": "ue8m0", "weight_block_size": [1, 32]}),
    (
        "bitsandbytes",
        SMALL,
        {
            **BNB,
            "load_in_4bit": True,
            "load_in_8bit": False,
            "bnb_4bit_quant_type": "nf4",
            "bnb_4bit_use_double_quant": True,
            "llm_int8_skip_modules": HEAD,
        },
    ),
    (
        "bitsandbytes",
        SMALL,
        {**BNB, "_load_in_8bit": True, "bnb_4bit_quant_type": "fp4"},
    ),
    (
        "gptq",
        SMALL,
        {
            "bits": 4,
            "group_size": 128,
            "desc_act": True,
            "sym": True,
            "lm_head": False,
            "checkpoint_format": "gptq",
            "method": "gptq",
            "dynamic": {"-:.*down": {}, "+:.*up": {"bits": 8, "group_size": 64}},
            "modules_in_block_to_quantize": [["self_attn.q_proj"], ["mlp.up_proj"]],
            "block_name_to_quantize": "model.layers",
        },
    ),
    ("awq", SMALL, {**AWQ, "modules_to_not_convert": ["down_proj"]}),
    ("awq", SMALL, {"w_bit": 4, "q_group_size": 128, "zero_point": True, "version": "GEMM"}),
    (
        "auto-round",
        SMALL,
        {
            "bits": 4,
            "group_size": 128,
            "sym": True,
            "data_type": "int",
            "packing_format": "auto_round:auto_gptq",
            "block_name_to_quantize": "model.layers",
            "extra_config": {
                "model.layers.1.mlp.up_proj": {"bits": 16},
                "model.layers.0.mlp.up_proj": {"bits": 8, "group_size": 64, "sym": True, "data_type": "int"},
            },
        },
    ),
    (
        "auto-round",
        SMALL,
        {"bits": 8, "group_size": -1, "data_type": "fp", "act_bits": 8, "packing_format": "auto_round:fp8"},
    ),
    (
        "auto-round",
        SMALL,
        {
            "bits": 4,
            "group_size": 32,
            "data_type": "mx_fp",
            "act_bits": 4,
            "packing_format": "auto_round:mx_fp",
        },
    ),
    ("auto-round", SMALL, {"bits": 4, "group_size": 128, "packing_format": "auto_round:fake"}),
    (
        "quark",
        SMALL,
        {
            "global_quant_config": {"weight": QUARK_FP8, "input_tensors": QUARK_FP8, "bias": None},
            "exclude": HEAD,
            "layer_quant_config": {"*down_proj": {"weight": QUARK_INT4}},
            "kv_cache_quant_config": {"*k_proj": {"output_tensors": QUARK_FP8}},
            "quant_mode": "eager_mode",
            "export": {"kv_cache_group": [], "pack_method": "reorder", "weight_format": "real_quantized"},
        },
    ),
    (
        "quark",
        SMALL,
        {
            "global_quant_config": {
                "weight": {"dtype": "fp4", "qscheme": "per_group", "group_size": 32, "scale_format": "e8m0"},
                "input_tensors": {"dtype": "fp4"},
            },
            "exclude": HEAD,
        },
    ),
    (
        "hqq",
        SMALL,
        {
            "quant_config": {
                "weight_quant_params": {"nbits": 4, "group_size": 64, "axis": 1, "view_as_float": False},
                "scale_quant_params": None,
                "zero_quant_params": None,
                "offload_meta": False,
            },
            "skip_modules": HEAD,
        },
    ),
    ("quanto", SMALL, {"weights": "int4", "activations": None, "modules_to_not_convert": HEAD}),
    (
        "sinq",
        SMALL,
        {"nbits": 4, "group_size": 64, "tiling_mode": "1D", "method": "sinq", "modules_to_not_convert": HEAD},
    ),
    ("eetq", SMALL, {"weights": "int8", "modules_to_not_convert": HEAD}),
    (
        "bitnet",
        BITNET,
        {"linear_class": "autobitlinear", "quantization_mode": "offline", "use_rms_norm": False},
    ),
    ("higgs", SMALL, {"bits": 4, "group_size": 256, "p": 2, "hadamard_size": 512, "tune_metadata": {}}),
    (
        "aqlm",
        SMALL,
        {
            "in_group_size": 8,
            "out_group_size": 1,
            "num_codebooks": 1,
            "nbits_per_codebook": 16,
            "linear_weights_not_to_quantize": ["lm_head.weight"],
        },
    ),
    ("exl2", SMALL, {"bits": 4.25, "head_bits": 8, "version": "0.1", "calibration": {"rows": 115}}),
    ("exl3", SMALL, {"bits": 3.5, "head_bits": 8, "version": "0.0.1", "codebook": "mcg"}),
    (
        "spqr",
        SMALL,
        {"bits": 3, "beta1": 16, "beta2": 16, "shapes": {f"{Q_PROJ}.{k}.shape": v for k, v in SPQR.items()}},
    ),
    ("vptq", SMALL, {"config_for_layers": {Q_PROJ: VECTORS}, "enable_proxy_error": False}),
    (
        "fp_quant",
        SMALL,
        {
            "forward_dtype": "mxfp4",
            "forward_method": "abs_max",
            "store_master_weights": False,
            "hadamard_group_size": 64,
            "pseudoquantization": False,
            "modules_to_not_convert": HEAD,
        },
    ),
    (
        "fouroversix",
        SMALL,
        {
            "dtype": "nvfp4",
            "weight_dtype": None,
            "scale_rule": "mse",
            "keep_master_weights": False,
            "modules_to_not_convert": HEAD,
            "module_config_overrides": {"model.layers.0.mlp.up_proj": {"dtype": "mxfp4"}},
        },
    ),
    ("metal", SMALL, {"bits": 4, "group_size": 64, "modules_to_not_convert": HEAD}),
    (
        "gemma",
        SMALL,
        {"num_bits": 4, "quantize_embeddings": True, "module_quant_configs": {"mlp": {"num_bits": 8}}},
    ),
    ("blockwise_int8", SMALL, {"activation_scheme": "dynamic", "weight_block_size": [128, 128]}),
    ("w8a8_int8", SMALL, {"is_dynamic": True}),
    ("w8a8_fp8", SMALL, {"is_dynamic": True}),
    ("w4afp8", MIXTURE, {"activation_scheme": "dynamic", "ignored_layers": ["down_proj"]}),
    (
        "modelopt",
        SMALL,
        {
            **SMOOTHED,
            "quant_algo": "W4A8_AWQ",
            "group_size": 128,
            "exclude_modules": HEAD,
            "kv_cache_quant_algo": "FP8",
        },
    ),
    ("modelopt", SMALL, {**SMOOTHED, "quant_algo": "NVFP4_AWQ", "group_size": 16, "ignore": HEAD}),
    ("modelopt", SMALL, {"quant_algo": "FP8", "ignore": HEAD, "kv_cache_scheme": CACHE}),
    (
        "modelopt",
        SMALL,
        {
            "quant_algo": "MIXED_PRECISION",
            "exclude_modules": HEAD,
            "quantized_layers": {
                "model.layers.0.mlp.up_proj": {"quant_algo": "FP8"},
                "model.layers.0.mlp.down_proj": {**SMOOTHED, "quant_algo": "W4A16_AWQ", "group_size": 64},
                "model.layers.1.mlp.down_proj": {"quant_algo": "NVFP4", "group_size": 16},
            },
        },
    ),
    ("mlx", SMALL, {"bits": 4, "group_size": 64, "mode": "affine", "lm_head": {"bits": 8, "group_size": 32}}),
    ("mlx", SMALL, {"bits": 4, "group_size": 32, "mode": "mxfp4", "model.embed_tokens": False}),
    (
        "compressed-tensors",
        SMALL,
        {
            "format": "pack-quantized",
            "quantization_status": "compressed",
            "ignore": HEAD,
            "kv_cache_scheme": CACHE,
            "config_groups": {"group_0": INT4_GROUP},
            "sparsity_config": {"format": "dense"},
        },
    ),
    (
        "compressed-tensors",
        SMALL,
        {"format": "mixed-precision", "ignore": HEAD, "config_groups": {"a": NVFP4_GROUP, "b": BLOCK_GROUP}},
    ),
    (
        "torchao",
        SMALL,
        {
            "quant_type": {
                "default": {
                    "_type": "IntxWeightOnlyConfig",
                    "_data": {
                        "weight_dtype": {"_type": "torch.dtype", "_data": "int4"},
                        "granularity": {"_type": "PerGroup", "_data": {"group_size": 64}},
                        "intx_packing_format": {"_type": "IntxPackingFormat", "_data": "UNPACKED_TO_INT8"},
                    },
                }
            },
            "modules_to_not_convert": HEAD,
            "include_input_output_embeddings": False,
            "untie_embedding_weights": False,
        },
    ),
]
"""The reader, a small model, and what a file says beside the tool's name."""
