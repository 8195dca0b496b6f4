#!/usr/bin/env bash
# transformers 5.24.0 with bitsandbytes 0.50.2 (torch 2.13.0): a mixture of experts loaded "in 4 bit" keeps its experts in 16.
#
# Behaviour: bitsandbytes replaces modules of the kind Linear. transformers 5 holds the experts of a layer as two stacked
#   parameters of three dimensions in a module that is no Linear, so that load_in_4bit passes them by without a warning.
#   Only the attention becomes 4-bit.
# One would guess: the experts, which are most of the model, are the first thing to be quantized; or a warning.
# Matters: this small Qwen3-MoE shrinks by 8 %; one with 95 % of its parameters in experts hardly shrinks at all.
# Seen:
#   experts hold 84% of the parameters
#   bf16 941472 bytes, load_in_4bit 867776 bytes
#   self_attn.q_proj.weight torch.uint8
#   mlp.experts.gate_up_proj torch.bfloat16
#   mlp.experts.down_proj torch.bfloat16
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
  torch==2.13.0 transformers==5.24.0 bitsandbytes==0.50.2 accelerate==1.15.0

venv/bin/python - 2>/dev/null <<'PY'
import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Qwen3MoeConfig

config = Qwen3MoeConfig(
    hidden_size=128, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
    vocab_size=100, max_position_embeddings=512, num_experts=8, num_experts_per_tok=2, moe_intermediate_size=64,
)
model = AutoModelForCausalLM.from_config(config).to(torch.bfloat16)
model.save_pretrained("model")
sizes = {name: p.numel() for name, p in model.named_parameters()}
share = sum(n for name, n in sizes.items() if ".experts." in name) / sum(sizes.values())
print(f"experts hold {share:.0%} of the parameters")

four_bit = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
small = AutoModelForCausalLM.from_pretrained("model", quantization_config=four_bit, device_map="cpu")
before, after = model.get_memory_footprint(), small.get_memory_footprint()
print(f"bf16 {before} bytes, load_in_4bit {after} bytes")
kinds = {name: p.dtype for name, p in small.named_parameters()}
for name in ("self_attn.q_proj.weight", "mlp.experts.gate_up_proj", "mlp.experts.down_proj"):
    print(name, kinds["model.layers.0." + name])
assert kinds["model.layers.0.self_attn.q_proj.weight"] == torch.uint8
assert all(kind == torch.bfloat16 for name, kind in kinds.items() if ".experts." in name)
assert 0.9 < after / before < 0.95
PY
