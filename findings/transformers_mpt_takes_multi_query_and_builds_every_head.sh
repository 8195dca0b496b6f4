#!/usr/bin/env bash
# transformers 5.24.0 (torch 2.13.0): MPT accepts `attn_type: multiquery_attention` and builds multi-head attention all the same.
#
# Behaviour: the nested `attn_config` checks `attn_type` against two words and takes both; the model looks at neither, nor at
#   `kv_n_heads` or `qk_ln`. Weights, count of parameters and cache are those of full multi-head attention, without a warning.
# One would guess: a word that the configuration checks and accepts changes the model, or is refused.
# Matters: the authors' own code builds one key-value head for that word (and norms for `qk_ln`): the same file is two models,
#   and a calculator that believes the key tells a cache that is 16 times too small for this library.
# Seen (rows of the fused projection of a layer of width 128 with 16 heads, heads in its cache):
#   {}: 384, 16
#   {'attn_type': 'multiquery_attention'}: 384, 16
#   {'kv_n_heads': 2}: 384, 16
#   {'qk_ln': True}: 384, 16
#   {'attn_type': 'another'}: refused
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.13.0 transformers==5.24.0

venv/bin/python - 2>/dev/null <<'PY'
import torch
from transformers import MptConfig, MptForCausalLM

counts = set()
for stated in ({}, {"attn_type": "multiquery_attention"}, {"kv_n_heads": 2}, {"qk_ln": True}):
    model = MptForCausalLM(MptConfig(d_model=128, n_heads=16, n_layers=1, vocab_size=100, attn_config=dict(stated))).eval()
    rows = model.transformer.blocks[0].attn.Wqkv.weight.shape[0]
    with torch.no_grad():
        cache = model(torch.ones(1, 10, dtype=torch.long), use_cache=True).past_key_values
    heads = cache.layers[0].keys.shape[1]
    print(f"{stated}: {rows}, {heads}")
    assert (rows, heads) == (3 * 128, 16)
    counts.add(sum(weight.numel() for weight in model.parameters()))
assert len(counts) == 1
try:
    MptConfig(attn_config={"attn_type": "another"})
except Exception:
    print("{'attn_type': 'another'}: refused")
else:
    raise SystemExit("an unknown word is taken")
PY
