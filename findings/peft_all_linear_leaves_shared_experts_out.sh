#!/usr/bin/env bash
# peft 0.21.2 with transformers 5.24.0 (torch 2.13.0): `all-linear` leaves shared experts and dense layers of DeepSeek-V3 out.
#
# Behaviour: of types whose experts were stacked in transformers 5, `gate_proj`, `up_proj` and `down_proj` come to mean the stacked experts,
#   and are taken off the list of modules. The shared expert and the dense first layer have linear modules of just these names, and
#   get no adapter, under `all-linear` or by name. Qwen2-MoE, which is not among these types, has it the other way round: the
#   shared expert is adapted, the routed ones are not.
# One would guess: `all-linear` changes every linear module but the head, in one mixture as in the next.
# Matters: which part of a mixture is trained depends on its type, and the number of parameters with it; nothing warns.
# Seen (feed-forward parts with an adapter):
#   deepseek_v3, all-linear: experts, gate
#   deepseek_v3, by name: experts
#   qwen2_moe, all-linear: shared_expert, shared_expert_gate
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.13.0 transformers==5.24.0 peft==0.21.2

venv/bin/python - 2>/dev/null <<'PY'
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, DeepseekV3Config, Qwen2MoeConfig

sizes = dict(
    hidden_size=64, intermediate_size=96, moe_intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=4, vocab_size=100, num_experts_per_tok=2, max_position_embeddings=128,
)
deepseek = DeepseekV3Config(
    **sizes, n_routed_experts=8, n_group=2, topk_group=1, n_shared_experts=1, first_k_dense_replace=1, q_lora_rank=32,
    kv_lora_rank=16, qk_rope_head_dim=8, qk_nope_head_dim=16, v_head_dim=16,
)
qwen = Qwen2MoeConfig(**sizes, num_experts=4, shared_expert_intermediate_size=32)
plain = AutoModelForCausalLM.from_config(deepseek)
linear = {name for name, module in plain.named_modules() if isinstance(module, torch.nn.Linear)}
assert {"model.layers.0.mlp.up_proj", "model.layers.1.mlp.shared_experts.up_proj"} <= linear
asked = {
    "deepseek_v3, all-linear": (deepseek, "all-linear"),
    "deepseek_v3, by name": (deepseek, ["gate_proj", "up_proj", "down_proj"]),
    "qwen2_moe, all-linear": (qwen, "all-linear"),
}
seen = {}
for title, (config, targets) in asked.items():
    model = get_peft_model(AutoModelForCausalLM.from_config(config), LoraConfig(r=4, target_modules=targets))
    names = (name for name, p in model.named_parameters() if "lora_A" in name and ".mlp." in name)
    seen[title] = ", ".join(sorted({name.split(".mlp.")[1].split(".")[0] for name in names}))
    print(f"{title}: {seen[title]}")
assert list(seen.values()) == ["experts, gate", "experts", "shared_expert, shared_expert_gate"], seen
PY
