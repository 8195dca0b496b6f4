#!/usr/bin/env bash
# transformers 5.24.0 (torch 2.13.0): a bfloat16 Mamba-2 keeps its recurrent state in float32, and one convolution input too many.
#
# Behaviour: of the two states of a layer, the convolution's is in the model's type and has as many columns as the kernel (4),
#   though a kernel of 4 needs the 3 tokens before the present one; the recurrent state is float32 whatever the model's type.
#   Qwen3-Next, of another family, does both too.
# One would guess: both states are in the model's type, as keys and values are, and kernel - 1 columns are kept.
# Matters: the recurrent state is by far the larger, so that a state computed with 2 bytes a number is half of the real one.
# Seen:
#   mamba2: convolution bfloat16 (1, 160, 4), recurrent float32 (1, 8, 16, 16)
#   qwen3_next: convolution bfloat16 (1, 128, 4), recurrent float32 (1, 4, 16, 16)
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.13.0 transformers==5.24.0

venv/bin/python - 2>/dev/null <<'PY'
import torch
from transformers import AutoConfig, AutoModelForCausalLM

shape = {"hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "vocab_size": 100}
families = {
    "mamba2": {"num_heads": 8, "head_dim": 16, "state_size": 16, "n_groups": 1, "expand": 2, "conv_kernel": 4, "num_hidden_layers": 1},
    "qwen3_next": {
        "num_hidden_layers": 4, "num_key_value_heads": 2, "head_dim": 16, "linear_num_value_heads": 4, "linear_num_key_heads": 2,
        "linear_key_head_dim": 16, "linear_value_head_dim": 16, "linear_conv_kernel_dim": 4, "num_experts": 4,
        "num_experts_per_tok": 2, "moe_intermediate_size": 16, "shared_expert_intermediate_size": 16,
    },
}
for family, extra in families.items():
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **shape, **extra)).eval().to(torch.bfloat16)
    with torch.no_grad():
        answer = model(torch.ones(1, 20, dtype=torch.long), use_cache=True)
    cache = getattr(answer, "past_key_values", None) or answer.cache_params
    states = [next(iter(kind.values())) for kind in (cache.layers[0].conv_states, cache.layers[0].recurrent_states)]
    kinds = [str(state.dtype).removeprefix("torch.") for state in states]
    print(f"{family}: convolution {kinds[0]} {tuple(states[0].shape)}, recurrent {kinds[1]} {tuple(states[1].shape)}")
    assert kinds == ["bfloat16", "float32"] and states[0].shape[-1] == 4
PY
