#!/usr/bin/env bash
# peft 0.21.2 with transformers 5.24.0 (torch 2.13.0): a pattern that names one layer changes all layers of a Qwen3-MoE.
#
# Behaviour: of types whose experts were stacked in transformers 5, peft replaces a pattern in `target_modules` by the last parts of the
#   names that it matches, and those match in every layer. `layers_to_transform` and `exclude_modules` hold for attention there,
#   not for experts. The dense Qwen3 with the same pattern has the one layer that was named.
# One would guess: a pattern names the same modules in a mixture of experts as in a dense model, with a word where it does not.
# Matters: such an adapter has as many times the parameters, in memory and in training, as the model has layers; nothing warns.
# Seen (layers with an adapter):
#   qwen3, pattern of layer 1: q_proj 1
#   qwen3_moe, pattern of layer 1: q_proj 0 1 2
#   qwen3_moe, layers_to_transform [1]: experts 0 1 2, q_proj 1
#   qwen3_moe, exclude_modules of layer 0: experts 0 1 2, q_proj 1 2
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.13.0 transformers==5.24.0 peft==0.21.2

venv/bin/python - 2>/dev/null <<'PY'
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Qwen3Config, Qwen3MoeConfig

sizes = dict(
    hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
    vocab_size=100, max_position_embeddings=128,
)
mixture = Qwen3MoeConfig(**sizes, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32)
one = r".*layers\.1\..*q_proj"
both = ["q_proj", "down_proj"]
asked = {
    "qwen3, pattern of layer 1": (Qwen3Config(**sizes), {"target_modules": one}),
    "qwen3_moe, pattern of layer 1": (mixture, {"target_modules": one}),
    "qwen3_moe, layers_to_transform [1]": (mixture, {"target_modules": both, "layers_to_transform": [1]}),
    "qwen3_moe, exclude_modules of layer 0": (mixture, {"target_modules": both, "exclude_modules": r".*layers\.0\..*"}),
}
seen = {}
for title, (config, chosen) in asked.items():
    model = get_peft_model(AutoModelForCausalLM.from_config(config), LoraConfig(r=4, **chosen))
    found = {}
    for name, p in model.named_parameters():
        if "lora_A" in name:
            what = "experts" if ".experts." in name else "q_proj"
            found.setdefault(what, set()).add(name.split(".layers.")[1].split(".")[0])
    seen[title] = ", ".join(f"{what} {' '.join(sorted(at))}" for what, at in sorted(found.items()))
    print(f"{title}: {seen[title]}")
assert list(seen.values()) == ["q_proj 1", "q_proj 0 1 2", "experts 0 1 2, q_proj 1", "experts 0 1 2, q_proj 1 2"], seen
PY
