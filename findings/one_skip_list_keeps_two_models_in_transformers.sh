#!/usr/bin/env bash
# transformers 5.24.0, bitsandbytes 0.50.2, torchao 0.18.0 (torch 2.13.0): the same list of modules to leave alone keeps other
# modules with each of two quantizers, and stating any list quantizes the head.
#
# Behaviour: both lists go through one function that takes an entry from the start of a whole name, or as its end. bitsandbytes
#   compares names of modules, so that "q_proj" ends "...self_attn.q_proj" and is kept; torchao compares names of parameters,
#   which end in ".weight", so that the same entry keeps nothing. "mlp", in the middle of names, is nothing to either. No word is
#   said of an entry that keeps nothing. A stated list takes the place of the usual one, which keeps lm_head.
# One would guess: the lists mean the same; a parent stands for all below it, as it did in transformers 4; the head is kept as
#   before; or a warning.
# Matters: the head of a small model is a quarter of it; a file's list, read as its author meant it, gives a size that is off by that.
# Seen:
#   bitsandbytes ['q_proj', 'mlp']: q_proj bfloat16, gate_proj int8, lm_head int8
#   torchao ['q_proj', 'mlp']: q_proj int8, gate_proj int8, lm_head int8
#   bitsandbytes None: q_proj int8, gate_proj int8, lm_head bfloat16
#   torchao None: q_proj int8, gate_proj int8, lm_head bfloat16
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
  torch==2.13.0 transformers==5.24.0 bitsandbytes==0.50.2 torchao==0.18.0 accelerate==1.15.0

venv/bin/python - 2>/dev/null <<'PY'
import torch
from torchao.quantization import Int8WeightOnlyConfig
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig, TorchAoConfig

config = LlamaConfig(
    hidden_size=128, intermediate_size=256, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2, vocab_size=512,
)
AutoModelForCausalLM.from_config(config).to(torch.bfloat16).save_pretrained("model")


def kinds(name, listed):
    if name == "torchao":
        how = TorchAoConfig(Int8WeightOnlyConfig(), modules_to_not_convert=listed)
    else:
        how = BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=listed)
    model = AutoModelForCausalLM.from_pretrained(
        "model", quantization_config=how, device_map="cpu", dtype=torch.bfloat16
    )
    layer = model.model.layers[0]
    found = {}
    for part, module in (("q_proj", layer.self_attn.q_proj), ("gate_proj", layer.mlp.gate_proj), ("lm_head", model.lm_head)):
        weight = module.weight
        plain = type(weight) is torch.nn.Parameter and weight.dtype == torch.bfloat16
        found[part] = "bfloat16" if plain else "int8"
    print(f"{name} {listed}:", ", ".join(f"{part} {kind}" for part, kind in found.items()))
    return list(found.values())


assert kinds("bitsandbytes", ["q_proj", "mlp"]) == ["bfloat16", "int8", "int8"]
assert kinds("torchao", ["q_proj", "mlp"]) == ["int8", "int8", "int8"]
assert kinds("bitsandbytes", None) == ["int8", "int8", "bfloat16"]
assert kinds("torchao", None) == ["int8", "int8", "bfloat16"]
PY
