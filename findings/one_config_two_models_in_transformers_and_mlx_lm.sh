#!/usr/bin/env bash
# transformers 5.24.0 (torch 2.13.0) and mlx-lm 0.32.2: one DeepSeek-V3 config, different layers with experts.
#
# Behaviour: `moe_layer_freq`, a key of the published config, makes every second layer after the dense ones a mixture in mlx-lm.
#   transformers accepts and keeps the key, and builds experts in all layers after `first_k_dense_replace`.
# One would guess: two libraries that list the architecture as supported build the same layers from its keys.
# Matters: parameters and memory differ several times over as soon as the key is not 1.
# Seen (first_k_dense_replace 1, moe_layer_freq 2, four layers):
#   transformers: dense experts experts experts (config still says 2)
#   mlx-lm:       dense dense experts dense
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
  torch==2.13.0 transformers==5.24.0 mlx-lm==0.32.2 mlx==0.32.4 mlx-cpu==0.32.4

venv/bin/python - 2>/dev/null <<'PY'
import torch
from mlx_lm.models import deepseek_v3
from transformers import AutoConfig, AutoModelForCausalLM

config = {
    "model_type": "deepseek_v3", "vocab_size": 100, "hidden_size": 64, "intermediate_size": 96, "moe_intermediate_size": 16,
    "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 4, "kv_lora_rank": 32, "q_lora_rank": 24,
    "qk_rope_head_dim": 8, "qk_nope_head_dim": 16, "v_head_dim": 16, "n_routed_experts": 4, "n_shared_experts": 1,
    "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1, "moe_layer_freq": 2,
    "pad_token_id": 0,
}
read = AutoConfig.for_model(**config)
with torch.device("meta"):
    built = AutoModelForCausalLM.from_config(read)
converted = deepseek_v3.Model(deepseek_v3.ModelArgs.from_dict(config))
layers = {
    name: ["experts" if "moe" in type(layer.mlp).__name__.lower() else "dense" for layer in model.model.layers]
    for name, model in (("transformers", built), ("mlx-lm", converted))
}
print("transformers:", *layers["transformers"], f"(config still says {read.moe_layer_freq})")
print("mlx-lm:      ", *layers["mlx-lm"])
assert layers["transformers"] == ["dense"] + ["experts"] * 3 and read.moe_layer_freq == 2
assert layers["mlx-lm"] == ["dense", "dense", "experts", "dense"]
PY
