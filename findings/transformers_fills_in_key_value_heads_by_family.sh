#!/usr/bin/env bash
# transformers 5.24.0: a config without `num_key_value_heads` means something else in each family.
#
# Behaviour: what stands for a missing key is the value of the family's first model, not the number of heads. Of eight
#   decoders with 32 heads, two fall back to full multi-head attention by rule (Llama, Cohere); the others get 32, 16, 8, 4
#   or 2 heads because their first release had so many.
# One would guess: the key is the one that makes attention grouped, so that leaving it out means one per head, as in Llama.
# Matters: the same few lines of JSON differ sixteenfold in the bytes of a token's cache.
# Seen (key-value heads of a config with 32 heads and the key left out | with 16 heads):
#   llama 32 | 16
#   cohere 32 | 16
#   stablelm 32 | 32
#   gemma 16 | 16
#   mistral 8 | 8
#   gemma2 4 | 4
#   glm4 2 | 2
#   starcoder2 2 | 2
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check transformers==5.24.0

venv/bin/python - 2>/dev/null <<'PY'
from transformers import AutoConfig

expected = {
    "llama": (32, 16), "cohere": (32, 16), "stablelm": (32, 32), "gemma": (16, 16), "mistral": (8, 8), "gemma2": (4, 4),
    "glm4": (2, 2), "starcoder2": (2, 2),
}
for family, heads in expected.items():
    seen = tuple(AutoConfig.for_model(family, num_attention_heads=n).num_key_value_heads for n in (32, 16))
    print(family, *seen[:1], "|", *seen[1:])
    assert seen == heads, (family, seen)
PY
