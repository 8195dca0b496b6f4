#!/usr/bin/env bash
# compressed-tensors 0.20.0 (torch 2.13.0): a module in "ignore" does not stand for the modules in it.
#
# Behaviour: a name in `ignore` is the whole name of one module, the name of its class, or `re:` and an expression from the start of
#   the name. `model.layers.0.mlp` names a module that has no weights of its own: its three matrices are quantized, and nothing
#   warns. `head` is no end of `lm_head`.
# One would guess: parents stand for all below them, as in the lists of Model Optimizer, AutoRound and torchao's callers, or the
#   end of a name is enough, as in transformers; or a name that keeps nothing is an error.
# Matters: layers that were meant to stay in 16 bits are not, and a reader that takes the list otherwise counts another size.
# Seen:
#   ['model.layers.0.mlp'] keeps []
#   ['down_proj'] keeps []
#   ['LlamaMLP'] keeps []
#   ['head'] keeps []
#   ['re:.*mlp'] keeps ['gate_proj', 'up_proj', 'down_proj']
#   ['model.layers.0.mlp.down_proj'] keeps ['down_proj']
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.13.0 transformers==5.24.0 compressed-tensors==0.20.0

OMP_NUM_THREADS=1 venv/bin/python - 2>/dev/null <<'PY'
from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config
from transformers import LlamaConfig, LlamaForCausalLM

config = LlamaConfig(
    hidden_size=64, intermediate_size=128, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2, vocab_size=99,
    tie_word_embeddings=False,
)


def kept(*ignore: str) -> list[str]:
    model = LlamaForCausalLM(config)
    apply_quantization_config(model, QuantizationConfig(config_groups={"W8A16": ["Linear"]}, ignore=list(ignore)))
    linear = {name: each for name, each in model.named_modules() if type(each).__name__ == "Linear"}
    names = [name.split(".")[-1] for name, each in linear.items() if not hasattr(each, "quantization_scheme")]
    print(f"{list(ignore)} keeps {names}")
    return names


three = ["gate_proj", "up_proj", "down_proj"]
assert kept("model.layers.0.mlp") == kept("mlp") == kept("down_proj") == kept("LlamaMLP") == kept("head") == []
assert kept("re:mlp") == [] and kept("re:.*mlp") == three
assert kept("model.layers.0.mlp.down_proj") == ["down_proj"] and kept("lm_head") == ["lm_head"]
PY
