#!/usr/bin/env bash
# peft 0.21.2 with transformers 5.24.0 (torch 2.13.0): LoRA of rank 4 on the experts of one layer has three sizes, by how the
# experts were named.
#
# Behaviour: the experts are two stacked parameters. Named in `target_parameters`, each gets 4 for every expert (32 for 8).
#   Under `all-linear` gate_up_proj gets twice that (64) and the router an adapter as well. Named in `target_modules`, only
#   down_proj is adapted and gate_up_proj left out, with no error.
# One would guess: the rank is the rank, and the same parameters named in three accepted ways give the same adapter.
# Matters: trainable parameters, and the memory of adapters and their optimizer, differ by these factors.
# Seen (width of lora_A in one layer's experts):
#   all-linear: down_proj 32, gate_up_proj 64, router 4
#   target_parameters: down_proj 32, gate_up_proj 32
#   target_modules: down_proj 32
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.13.0 transformers==5.24.0 peft==0.21.2

venv/bin/python - 2>/dev/null <<'PY'
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Qwen3MoeConfig

config = Qwen3MoeConfig(
    hidden_size=128, intermediate_size=96, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
    vocab_size=100, max_position_embeddings=512, num_experts=8, num_experts_per_tok=2, moe_intermediate_size=64,
)
experts = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]
ways = {
    "all-linear": {"target_modules": "all-linear"},
    "target_parameters": {"target_modules": [], "target_parameters": experts},
    "target_modules": {"target_modules": ["gate_up_proj", "down_proj"]},
}
names = {64: "down_proj", 128: "gate_up_proj"}  # by the width of what goes in
seen = {}
for way, chosen in ways.items():
    model = get_peft_model(AutoModelForCausalLM.from_config(config), LoraConfig(r=4, **chosen))
    found = {}
    for name, p in model.named_parameters():
        if "lora_A" in name and ".mlp." in name:
            found["router" if ".gate." in name else names[p.shape[1]]] = p.shape[0]
    seen[way] = dict(sorted(found.items()))
    print(f"{way}: " + ", ".join(f"{name} {rank}" for name, rank in seen[way].items()))
assert seen == {
    "all-linear": {"down_proj": 32, "gate_up_proj": 64, "router": 4},
    "target_parameters": {"down_proj": 32, "gate_up_proj": 32},
    "target_modules": {"down_proj": 32},
}
PY
