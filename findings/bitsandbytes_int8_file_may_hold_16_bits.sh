#!/usr/bin/env bash
# transformers 5.24.0 with bitsandbytes 0.50.2 (torch 2.13.0): a checkpoint whose config says load_in_8bit may hold 16-bit weights.
#
# Behaviour: with llm_int8_has_fp16_weight the weights stay in 16 bits and are quantized anew in every step. The model is "loaded in 8
#   bit", its class is Linear8bitLt, and what is saved is the bfloat16 model with a quantization_config that says load_in_8bit.
# One would guess: the option says of which type the weights were, or keeps a copy for training beside the 8-bit ones.
# Matters: one option among eight that look like settings of the arithmetic doubles the file and the memory.
# Seen:
#   {}: Linear8bitLt, load_in_8bit True, q_proj I8, file of 703543 bytes
#   {'llm_int8_has_fp16_weight': True}: Linear8bitLt, load_in_8bit True, q_proj BF16, file of 1283808 bytes
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
  torch==2.13.0 transformers==5.24.0 bitsandbytes==0.50.2 accelerate==1.15.0

OMP_NUM_THREADS=1 venv/bin/python - 2>/dev/null <<'PY'
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM

config = LlamaConfig(
    hidden_size=256, intermediate_size=512, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2, vocab_size=99,
    tie_word_embeddings=False,
)
LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained("model")


def saved(name: str, **options):
    quantization = BitsAndBytesConfig(load_in_8bit=True, **options)
    model = AutoModelForCausalLM.from_pretrained(
        "model", quantization_config=quantization, dtype=torch.bfloat16, device_map={"": "cpu"}
    )
    model.save_pretrained(name)
    raw = Path(name, "model.safetensors").read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    said = json.loads(Path(name, "config.json").read_text())["quantization_config"]
    kind = header["model.layers.0.self_attn.q_proj.weight"]["dtype"]
    module = type(model.model.layers[0].self_attn.q_proj).__name__
    print(f"{options}: {module}, load_in_8bit {said['load_in_8bit']}, q_proj {kind}, file of {len(raw)} bytes")
    return kind, said["load_in_8bit"], len(raw)


usual, whole = saved("usual"), saved("whole", llm_int8_has_fp16_weight=True)
assert usual[:2] == ("I8", True) and whole[:2] == ("BF16", True)
assert whole[2] > 1.8 * usual[2]
PY
