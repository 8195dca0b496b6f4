#!/usr/bin/env bash
# compressed-tensors 0.20.0 (torch 2.13.0): weights of 2 to 7 bits take a byte each as soon as activations are quantized too.
#
# Behaviour: the preset schemes W2A8, W3A8, W4A8 and W4AFP8 name the width of weights first. Only where activations stay in 16 bits
#   are weights packed; otherwise the format is "int-quantized", one int8 a number, and 2-bit weights are as large as 7-bit ones.
#   They are larger than W8A8, whose scales stand for a whole row.
# One would guess: W2A8 is half of W4A8 and a quarter of W8A8.
# Matters: the file and the memory of a "4-bit" W4AFP8 checkpoint are those of an 8-bit one.
# Seen:
#   W2A16   pack-quantized   down_proj of 512 x 256 takes 34832 bytes
#   W4A16   pack-quantized   down_proj of 512 x 256 takes 67600 bytes
#   W2A8    int-quantized    down_proj of 512 x 256 takes 133120 bytes (W4A8 and W4AFP8 as well)
#   W8A8    int-quantized    down_proj of 512 x 256 takes 131584 bytes
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


sizes = {}
for name in ("W2A16", "W4A16", "W2A8", "W4A8", "W4AFP8", "W8A8"):
    state, said = compressed(config_groups={name: ["Linear"]})
    down = {key: each for key, each in state.items() if ".down_proj." in key}
    sizes[name] = sum(each.numel() * each.element_size() for each in down.values())
    print(f"{name:7} {said.format.value:16} down_proj of 512 x 256 takes {sizes[name]} bytes")
assert sizes["W2A8"] == sizes["W4A8"] == sizes["W4AFP8"] > sizes["W8A8"]
assert sizes["W2A16"] < 0.3 * sizes["W2A8"]
PY
