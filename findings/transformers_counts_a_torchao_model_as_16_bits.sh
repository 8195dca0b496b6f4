#!/usr/bin/env bash
# transformers 5.24.0 with torchao 0.18.0 and optimum-quanto 0.2.7 (torch 2.13.0): get_memory_footprint counts a model in 8 or 4
# bits as if it were in 16.
#
# Behaviour: the method adds up elements times bytes an element of every parameter. Weights of torchao and Quanto are tensors that
#   pretend to be the bfloat16 ones they stand for, so that the sum is that of the model before. A file of the same model
#   has the bytes that it really has.
# One would guess: the method's documentation speaks of the memory of the model as loaded, quantized or not, and for bitsandbytes it
#   does shrink.
# Matters: whoever checks a quantization by this number finds that it did nothing, or plans twice the memory.
# Seen:
#   none           footprint 1591040
#   torchao int8   footprint 1591040, its file holds 1011200
#   quanto int4    footprint 1591096, its tensors hold 724536
#   bitsandbytes   footprint 706304
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
  torch==2.13.0 transformers==5.24.0 torchao==0.18.0 optimum-quanto==0.2.7 bitsandbytes==0.50.2 accelerate==1.15.0

OMP_NUM_THREADS=1 venv/bin/python - 2>/dev/null <<'PY'
from pathlib import Path

import torch
from torchao.quantization import Int8WeightOnlyConfig
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM, QuantoConfig, TorchAoConfig

config = LlamaConfig(
    hidden_size=256, intermediate_size=512, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2, vocab_size=400,
    tie_word_embeddings=False,
)
LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained("model")


def loaded(quantization):
    return AutoModelForCausalLM.from_pretrained(
        "model", quantization_config=quantization, dtype=torch.bfloat16, device_map={"": "cpu"}
    )


def held(path: str) -> int:
    size = 0
    for file in Path(path).glob("*.safetensors"):
        raw = file.read_bytes()
        size += len(raw) - 8 - int.from_bytes(raw[:8], "little")
    return size


whole = loaded(None).get_memory_footprint()
print(f"none           footprint {whole}")
eight = loaded(TorchAoConfig(Int8WeightOnlyConfig()))
eight.save_pretrained("eight")
print(f"torchao int8   footprint {eight.get_memory_footprint()}, its file holds {held('eight')}")
four = loaded(QuantoConfig(weights="int4"))
tensors = sum(each.numel() * each.element_size() for each in four.state_dict().values())
print(f"quanto int4    footprint {four.get_memory_footprint()}, its tensors hold {tensors}")
bnb = loaded(BitsAndBytesConfig(load_in_4bit=True)).get_memory_footprint()
print(f"bitsandbytes   footprint {bnb}")
assert eight.get_memory_footprint() == whole and held("eight") < 0.7 * whole
assert four.get_memory_footprint() >= whole and tensors < 0.5 * whole
assert bnb < 0.5 * whole
PY
