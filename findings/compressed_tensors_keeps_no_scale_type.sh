#!/usr/bin/env bash
# compressed-tensors 0.20.0 (torch 2.13.0): "scale_dtype": "float32" stands in the config, and the file holds bfloat16 scales.
#
# Behaviour: the key is accepted for every kind of weights, written into the config of the checkpoint, and used by the formats with
#   8-bit scales alone (NVFP4, MXFP). Scales of integers and of fp8 have the type of the weights that they were made for.
# One would guess: a key that is written beside the bits and the group size says what the file holds.
# Matters: a reader that believes the config allocates twice the scales, or loads halves as floats; with groups of 16 that is a fifth
#   of a 4-bit file.
# Seen:
#   int4: config says scale_dtype torch.float32, the file holds torch.bfloat16
#   int4: config says scale_dtype torch.float16, the file holds torch.bfloat16
#   float8: config says scale_dtype torch.float32, the file holds torch.bfloat16
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.13.0 transformers==5.24.0 compressed-tensors==0.20.0

OMP_NUM_THREADS=1 venv/bin/python - 2>/dev/null <<'PY'
import torch
from compressed_tensors.compressors import ModelCompressor
from compressed_tensors.quantization import QuantizationConfig, QuantizationStatus, apply_quantization_config
from transformers import LlamaConfig, LlamaForCausalLM

config = LlamaConfig(
    hidden_size=256, intermediate_size=512, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2, vocab_size=99,
    tie_word_embeddings=False,
)


def compressed(**said):
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    apply_quantization_config(model, QuantizationConfig(ignore=["lm_head"], **said))
    for module in model.modules():
        if hasattr(module, "quantization_scheme"):
            module.quantization_status = QuantizationStatus.FROZEN
            module.weight_scale.data.fill_(1.0)
    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    return model.state_dict(), compressor.quantization_config


seen = {}
for kind, bits, group in (("int", 4, 32), ("float", 8, 64)):
    for asked in (torch.float32, torch.float16, None):
        weights = {"num_bits": bits, "type": kind, "strategy": "group", "group_size": group, "scale_dtype": asked}
        state, said = compressed(config_groups={"group_0": {"targets": ["Linear"], "weights": weights}})
        written = said.to_dict()["config_groups"]["group_0"]["weights"].get("scale_dtype")
        seen[kind, asked] = (written, state["model.layers.0.mlp.down_proj.weight_scale"].dtype)
        print(f"{kind}{bits}: config says scale_dtype {written}, the file holds {seen[kind, asked][1]}")
assert {held for _, held in seen.values()} == {torch.bfloat16}
assert str(seen["int", torch.float32][0]).endswith("float32")
PY
