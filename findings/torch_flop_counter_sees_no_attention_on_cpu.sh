#!/usr/bin/env bash
# torch 2.13.0: FlopCounterMode counts zero for fused attention on the CPU, zero for a matrix times a vector, and with
# transformers 5.24.0 zero for all experts of a mixture when they are computed by grouped multiplication.
#
# Behaviour: the counter has a list of kernels. The CPU's fused attention, aten.mv and the grouped multiplication of
#   transformers' "grouped_mm" experts are not on it, and what is not on it counts as nothing, without a warning.
# One would guess: FLOPs follow from shapes, so that device and choice of kernel do not matter, or an unknown kernel is named.
# Matters: the same model has other FLOPs by the implementation chosen; compared with 2 x parameters it looks cheaper than it is.
# Seen:
#   attention of 8 heads of 64 over 128 tokens: fused 0, written out 33554432
#   a matrix of 64 x 64 times a vector: 0, times a matrix of one column: 8192
#   Qwen3-MoE of 8 experts: eager 41549824, batched_mm 41549824, grouped_mm 16384000
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.13.0 transformers==5.24.0

venv/bin/python - 2>/dev/null <<'PY'
import torch
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, Qwen3MoeConfig


def flops(work) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


q = torch.randn(1, 8, 128, 64)
fused = flops(lambda: scaled_dot_product_attention(q, q, q))
written_out = flops(lambda: torch.softmax(q @ q.transpose(-1, -2) / 8, -1) @ q)
print(f"attention of 8 heads of 64 over 128 tokens: fused {fused}, written out {written_out}")
matrix, vector = torch.randn(64, 64), torch.randn(64)
mv, mm = flops(lambda: torch.mv(matrix, vector)), flops(lambda: matrix @ vector[:, None])
print(f"a matrix of 64 x 64 times a vector: {mv}, times a matrix of one column: {mm}")
config = Qwen3MoeConfig(
    hidden_size=128, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
    vocab_size=100, max_position_embeddings=512, num_experts=8, num_experts_per_tok=2, moe_intermediate_size=64,
)
tokens, seen = torch.ones(1, 128, dtype=torch.long), {}
for kind in ("eager", "batched_mm", "grouped_mm"):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, experts_implementation=kind).to(torch.bfloat16)
    seen[kind] = flops(lambda model=model: model(tokens))
print("Qwen3-MoE of 8 experts:", ", ".join(f"{kind} {count}" for kind, count in seen.items()))
assert (fused, written_out) == (0, 4 * 8 * 128 * 128 * 64) and (mv, mm) == (0, 2 * 64 * 64)
assert seen["eager"] == seen["batched_mm"] == seen["grouped_mm"] + 2 * (128 * 2) * 2 * 3 * 128 * 64
PY
