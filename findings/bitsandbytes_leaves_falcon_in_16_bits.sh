#!/usr/bin/env bash
# transformers 5.24.0 with bitsandbytes 0.50.2 (torch 2.13.0): a Falcon loaded "in 4 bit" has no 4-bit matrix at all.
#
# Behaviour: bitsandbytes' integration replaces modules whose class is exactly Linear. Falcon's matrices are of a class of its own
#   that is derived from Linear, so that each is passed by; the one plain Linear, lm_head, is kept by the usual list. What is logged
#   says that no linear module was found and speaks of EETQ, another tool.
# One would guess: whatever is a Linear, derived classes included, is quantized, as torchao takes it.
# Matters: the model takes as much memory as before; a plan with 4 bits a weight is off by a factor of four.
# Seen:
#   FalconLinear is derived from Linear: True
#   bf16 820800 bytes, load_in_4bit 820864 bytes, 4-bit tensors 0
#   the same sizes as a Llama: 4-bit tensors 14
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
  torch==2.13.0 transformers==5.24.0 bitsandbytes==0.50.2 accelerate==1.15.0

venv/bin/python - 2>/dev/null <<'PY'
import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, FalconConfig, LlamaConfig


def four_bit(config, folder):
    model = AutoModelForCausalLM.from_config(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    how = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)
    small = AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=how, device_map="cpu", dtype=torch.bfloat16
    )
    packed = sum(p.dtype == torch.uint8 for p in small.parameters())
    return model, model.get_memory_footprint(), small.get_memory_footprint(), packed


model, before, after, packed = four_bit(
    FalconConfig(hidden_size=128, num_hidden_layers=2, num_attention_heads=4, vocab_size=512), "falcon"
)
matrix = model.transformer.h[0].self_attention.dense
print(f"{type(matrix).__name__} is derived from Linear: {isinstance(matrix, torch.nn.Linear)}")
print(f"bf16 {before} bytes, load_in_4bit {after} bytes, 4-bit tensors {packed}")
assert isinstance(matrix, torch.nn.Linear) and type(matrix) is not torch.nn.Linear
assert packed == 0 and 0 <= after - before < 1000
*_, packed = four_bit(
    LlamaConfig(hidden_size=128, intermediate_size=512, num_hidden_layers=2, num_attention_heads=4, vocab_size=512), "llama"
)
print(f"the same sizes as a Llama: 4-bit tensors {packed}")
assert packed == 14
PY
