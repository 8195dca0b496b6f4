#!/usr/bin/env bash
# transformers 5.24.0 (torch 2.13.0): LongCat-Flash's experts that only pass a token on own two of an expert's three matrices.
#
# Behaviour: `zero_expert_num` counts experts of the kind `identity`, which answer with what they were asked. Release 5 keeps the
#   experts of a layer in stacked tensors: that of the gate and up matrices has a row for each expert and each empty one, that of the
#   down matrices for each expert alone. Nothing reads the rows of the empty ones. Release 4.57.1 makes none.
# One would guess: an expert without a computation has no weights, and both tensors have the same number of rows.
# Matters: the published model (28 layers, 512 experts, 256 empty ones) is one of 560 billion parameters; counted on the class of
#   release 5 it has 741 billion, and loading it takes 361 GB more in 16 bits.
# Seen (parameters of the experts of one small layer, 4 experts of 3 x 32 x 8 and 2 empty ones):
#   4.57.1: 3072
#   5.24.0: 4096
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > count.py <<'PY'
import sys

import torch
import transformers
from transformers import LongcatFlashConfig, LongcatFlashForCausalLM

config = LongcatFlashConfig(
    vocab_size=64, hidden_size=32, num_layers=1, num_attention_heads=2, ffn_hidden_size=16, expert_ffn_hidden_size=8,
    n_routed_experts=4, zero_expert_num=2, moe_topk=2, q_lora_rank=8, kv_lora_rank=8, qk_nope_head_dim=8,
    qk_rope_head_dim=8, v_head_dim=8,
)
with torch.device("meta"):
    model = LongcatFlashForCausalLM(config)
experts = sum(each.numel() for name, each in model.named_parameters() if ".experts." in name)
print(f"{transformers.__version__}: {experts}")
assert experts == int(sys.argv[1])
PY
for release in 4.57.1:3072 5.24.0:4096; do
    python3 -m venv "venv-${release%%:*}"
    "venv-${release%%:*}/bin/pip" install --quiet --no-compile --disable-pip-version-check torch==2.13.0 "transformers==${release%%:*}"
    "venv-${release%%:*}/bin/python" count.py "${release##*:}" 2>/dev/null
done
