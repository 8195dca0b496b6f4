#!/usr/bin/env bash
# mlx-lm 0.32.2: quantizing to 4 bits leaves out each layer whose rows are no multiple of the group, and records that nowhere.
#
# Behaviour: with a group of 64 and a feed-forward width of 200, gate and up (rows of 128) are quantized and down (rows of 200)
#   stays as it was. The config that goes with the weights says 4 bits in groups of 64 and lists no exception; a reader finds
#   out by the absence of `down_proj.scales`.
# One would guess: the last group is padded, or a smaller group taken, or an error raised, and the config tells.
# Matters: two models with the same quantization section take 10 and 5 bits a weight.
# Seen:
#   config: {'group_size': 64, 'bits': 4, 'mode': 'affine'}
#   gate_proj uint32, up_proj uint32, down_proj float32
#   10.05 bits a weight; with a width of 256 5.05
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check mlx-lm==0.32.2 mlx==0.32.4 mlx-cpu==0.32.4 transformers==5.24.0

venv/bin/python - 2>/dev/null <<'PY'
from mlx_lm.models import llama
from mlx_lm.utils import compute_bits_per_weight, quantize_model


def quantized(inner: int):
    args = llama.ModelArgs.from_dict({
        "model_type": "llama", "hidden_size": 128, "intermediate_size": inner, "num_hidden_layers": 2, "rms_norm_eps": 1e-5,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 96, "tie_word_embeddings": False,
    })
    return quantize_model(llama.Model(args), {}, group_size=64, bits=4)


model, config = quantized(200)
print("config:", config["quantization"])
mlp = model.model.layers[0].mlp
kinds = {name: str(mlp[name].weight.dtype).split(".")[-1] for name in ("gate_proj", "up_proj", "down_proj")}
print(", ".join(f"{name} {kind}" for name, kind in kinds.items()))
uneven, even = compute_bits_per_weight(model), compute_bits_per_weight(quantized(256)[0])
print(f"{uneven:.2f} bits a weight; with a width of 256 {even:.2f}")
assert config["quantization"] == {"group_size": 64, "bits": 4, "mode": "affine"}
assert kinds == {"gate_proj": "uint32", "up_proj": "uint32", "down_proj": "float32"}
assert "scales" not in mlp.down_proj and "scales" in mlp.up_proj
assert uneven > 10 and even < 5.2
PY
