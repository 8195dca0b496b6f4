#!/usr/bin/env bash
# transformers 5.24.0 (torch 2.13.0): after the prompt, a windowed layer's cache shows 15 tokens and holds the memory of 400.
#
# Behaviour: the cache of a layer with a window of 16 keeps 15 tokens (the next one makes the 16). It keeps them as a slice of the
#   tensor that the prompt was computed in, so that the whole of it stays allocated until the first token is generated.
# One would guess: window tokens (16) are kept, and what lies outside the window is free once the prompt is done.
# Matters: the peak at the end of a long prompt is that of a model without windows, in each of its layers; and nbytes of the
#   cached tensors, which is what one would print to find out, says otherwise.
# Seen (keys of one layer of two heads of 16, float32):
#   after a prompt of 400: 15 tokens, 1920 bytes shown, 51200 bytes held
#   after one token more:  15 tokens, 1920 bytes shown, 2048 bytes held
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.13.0 transformers==5.24.0

venv/bin/python - 2>/dev/null <<'PY'
import torch
from transformers import AutoModelForCausalLM, MistralConfig

config = MistralConfig(
    hidden_size=64, intermediate_size=96, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2, vocab_size=100,
    sliding_window=16, max_position_embeddings=512,
)
model = AutoModelForCausalLM.from_config(config).eval()


def state(cache) -> tuple[int, int, int]:
    keys = cache.layers[0].keys
    return keys.shape[-2], keys.nbytes, keys.untyped_storage().nbytes()


with torch.no_grad():
    cache = model(torch.ones(1, 400, dtype=torch.long), use_cache=True).past_key_values
    prompt = state(cache)
    cache = model(torch.ones(1, 1, dtype=torch.long), use_cache=True, past_key_values=cache).past_key_values
    after = state(cache)
print("after a prompt of 400: %d tokens, %d bytes shown, %d bytes held" % prompt)
print("after one token more:  %d tokens, %d bytes shown, %d bytes held" % after)
assert prompt == (15, 15 * 128, 400 * 128) and after == (15, 15 * 128, 16 * 128)
PY
