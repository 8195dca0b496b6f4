#!/usr/bin/env bash
# transformers 5.24.0 (torch 2.13.0): an fp8 file that leaves `weight_block_size` out has other tensors than one that says null.
#
# Behaviour: the configuration class takes blocks of 128 x 128 where the key is absent, and one scale a tensor where it is null. The
#   linear layers that are built for the file ask for a matrix of scales in the first case and for a single number in the second.
# One would guess: a key that is absent and one that is null mean the same; files of one scale a tensor, as AutoFP8 wrote them, have
#   no such key, and say `quant_method: fp8` all the same.
# Matters: bytes of a checkpoint follow from what the key means, and a file with single numbers does not fit the layers that are made
#   for it. Whoever reads such a file has to say which of the two was taken.
# Seen (`weight_scale_inv` of a projection of 256 x 256):
#   absent: (2, 2)
#   null: ()
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > scales.py <<'PY'
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.integrations.finegrained_fp8 import replace_with_fp8_linear
from transformers.utils.quantization_config import FineGrainedFP8Config

config = LlamaConfig(hidden_size=256, intermediate_size=512, num_hidden_layers=1, num_attention_heads=2, vocab_size=64)
seen = {}
for name, more in {"absent": {}, "null": {"weight_block_size": None}}.items():
    said = FineGrainedFP8Config.from_dict({"quant_method": "fp8", "activation_scheme": "dynamic", **more})
    with torch.device("meta"):
        model = replace_with_fp8_linear(
            LlamaForCausalLM(config), modules_to_not_convert=["lm_head"], quantization_config=said, pre_quantized=True
        )
    seen[name] = tuple(model.model.layers[0].self_attn.q_proj.weight_scale_inv.shape)
    print(f"{name}: {seen[name]}")
assert seen == {"absent": (2, 2), "null": ()}
PY
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.13.0 transformers==5.24.0
venv/bin/python scales.py 2>/dev/null
