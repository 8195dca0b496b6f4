#!/usr/bin/env bash
# mlx-lm 0.32.2: Gemma 2, Mistral, Qwen2 and Phi-3 with a sliding window keep every token; Gemma 3 keeps the window.
#
# Behaviour: which cache a layer gets is decided by each model's own code. Gemma 3's gives windowed layers a rotating cache
#   bounded by the window; the models named read the same config, where transformers 5.24.0 bounds the same layers, and get
#   a cache that grows with the context.
# One would guess: `sliding_window` in a config that a library supports bounds the cache, or that one library treats two
#   generations of one family alike.
# Matters: half of Gemma 2's layers hold as many tokens as the context instead of 4096.
# Seen (kind of cache of two layers in mlx-lm; kinds of layer in transformers):
#   gemma2       KVCache KVCache                      sliding_attention full_attention
#   mistral      KVCache KVCache                      sliding_window 16
#   qwen2        KVCache KVCache                      full_attention sliding_attention
#   phi3         KVCache KVCache                      sliding_window 16
#   gemma3_text  RotatingKVCache KVCache              sliding_attention full_attention
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check mlx-lm==0.32.2 mlx==0.32.4 mlx-cpu==0.32.4 transformers==5.24.0

venv/bin/python - 2>/dev/null <<'PY'
import importlib

from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.utils import MODEL_REMAPPING
from transformers import AutoConfig

shape = {
    "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "vocab_size": 96, "rms_norm_eps": 1e-5, "max_position_embeddings": 512, "sliding_window": 16,
}
families = {
    "gemma2": {"head_dim": 32},
    "mistral": {"rope_theta": 1e4},
    "qwen2": {"use_sliding_window": True, "max_window_layers": 1, "rope_theta": 1e4},
    "phi3": {"rope_theta": 1e4, "pad_token_id": 0},
    "gemma3_text": {"head_dim": 32, "sliding_window_pattern": 2},
}
seen = {}
for family, extra in families.items():
    config = {**shape, **extra, "model_type": family}
    module = importlib.import_module("mlx_lm.models." + MODEL_REMAPPING.get(family, family))
    caches = make_prompt_cache(module.Model(module.ModelArgs.from_dict(config)))
    seen[family] = " ".join(type(cache).__name__ for cache in caches)
    config = AutoConfig.for_model(**config)
    layers = getattr(config, "layer_types", None)
    print(f"{family:12} {seen[family]:36} {' '.join(layers) if layers else f'sliding_window {config.sliding_window}'}")
    assert layers and "sliding_attention" in layers or config.sliding_window == 16
assert seen.pop("gemma3_text") == "RotatingKVCache KVCache"
assert set(seen.values()) == {"KVCache KVCache"}
PY
