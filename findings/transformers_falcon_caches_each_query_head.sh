#!/usr/bin/env bash
# transformers 5.24.0 (torch 2.13.0): a Falcon with 2 key-value heads caches 16, one for each query head.
#
# Behaviour: with `new_decoder_architecture` (Falcon-40B and 180B) the fused projection is as small as `num_kv_heads` says, but its
#   keys and values are copied to every query head before they are cached. With `multi_query` (Falcon-7B) one head is made and
#   cached, and a stated `num_kv_heads` is not looked at.
# One would guess: `num_kv_heads` heads are made and cached, as in Llama; the copies exist for the product alone.
# Matters: Falcon-40B has 128 query heads on 8 key-value heads: its cache is 16 times what the weights and the key say. And the
#   same key decides in one branch of the class and does nothing in the other.
# Seen (width of the fused projection of a layer with 16 heads of 8, heads in its cache, each with num_kv_heads 2):
#   new_decoder_architecture: 160 wide, 16 heads cached
#   multi_query: 144 wide, 1 heads cached
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.13.0 transformers==5.24.0

venv/bin/python - 2>/dev/null <<'PY'
import torch
from transformers import FalconConfig, FalconForCausalLM

seen = {}
for branch in ("new_decoder_architecture", "multi_query"):
    switches = {"new_decoder_architecture": False, "multi_query": False, branch: True}
    config = FalconConfig(
        hidden_size=128, num_hidden_layers=1, num_attention_heads=16, num_kv_heads=2, vocab_size=100, alibi=False, **switches
    )
    model = FalconForCausalLM(config).eval()
    width = model.transformer.h[0].self_attention.query_key_value.weight.shape[0]
    with torch.no_grad():
        cache = model(torch.ones(1, 10, dtype=torch.long), use_cache=True).past_key_values
    heads = cache.layers[0].keys.shape[1]
    print(f"{branch}: {width} wide, {heads} heads cached")
    seen[branch] = (width, heads)
# queries of 16 heads and keys and values of 2, or of 1, each 8 wide
assert seen == {"new_decoder_architecture": ((16 + 2 + 2) * 8, 16), "multi_query": ((16 + 1 + 1) * 8, 1)}
PY
