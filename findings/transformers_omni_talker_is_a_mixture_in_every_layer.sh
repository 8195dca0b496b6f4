#!/usr/bin/env bash
# transformers 5.24.0 (torch 2.13.0): Qwen3-Omni's talker has experts in each layer, whatever `mlp_only_layers` says.
#
# Behaviour: thinker and talker take the same keys for which layers are dense (`mlp_only_layers`, `decoder_sparse_step`). The
#   thinker follows them. A layer of the talker makes the block that the keys ask for and then puts a mixture of experts in its place.
# One would guess: two parts of one model, with the same keys, the same code before them and the same words in the
#   documentation, follow them alike.
# Matters: a talker whose file says that all layers are dense holds the experts all the same, here twice the weights.
# Seen (experts' layers of two, parameters of the layers):
#   thinker, mlp_only_layers []: 2 of 2, 74560
#   thinker, mlp_only_layers [0, 1]: 0 of 2, 37184
#   talker, mlp_only_layers []: 2 of 2, 80832
#   talker, mlp_only_layers [0, 1]: 2 of 2, 80832
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.13.0 transformers==5.24.0

venv/bin/python - 2>/dev/null <<'PY'
import torch
from transformers.models.qwen3_omni_moe.configuration_qwen3_omni_moe import Qwen3OmniMoeTalkerTextConfig, Qwen3OmniMoeTextConfig
from transformers.models.qwen3_omni_moe.modeling_qwen3_omni_moe import Qwen3OmniMoeTalkerModel, Qwen3OmniMoeThinkerTextModel

shape = dict(
    hidden_size=64, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
    vocab_size=100, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32,
)
parts = {
    "thinker": (Qwen3OmniMoeTextConfig, Qwen3OmniMoeThinkerTextModel, {}),
    "talker": (Qwen3OmniMoeTalkerTextConfig, Qwen3OmniMoeTalkerModel, {"shared_expert_intermediate_size": 16}),
}
seen = {}
for name, (config, model, more) in parts.items():
    for dense in ([], [0, 1]):
        with torch.device("meta"):
            layers = model(config(**shape, **more, mlp_only_layers=dense)).layers
        sparse = sum(hasattr(layer.mlp, "experts") for layer in layers)
        weights = sum(weight.numel() for weight in layers.parameters())
        print(f"{name}, mlp_only_layers {dense}: {sparse} of 2, {weights}")
        seen[name, len(dense)] = (sparse, weights)
assert seen["thinker", 0][0] == 2 and seen["thinker", 2][0] == 0
assert seen["talker", 0] == seen["talker", 2] and seen["talker", 0][0] == 2
PY
