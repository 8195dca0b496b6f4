#!/usr/bin/env bash
# transformers 5.24.0: `max_window_layers` of Qwen2 is the number of layers WITHOUT a window; Llama 4's `no_rope_layers` marks
# with 1 the layers that DO have rotary positions.
#
# Behaviour: of 6 Qwen2 layers with max_window_layers = 4, the first four are full and the last two slide. Of 8 layers of
#   Llama 4, those whose entry in no_rope_layers is 1 are rotary and chunked, those with 0 have no rotary positions and
#   attend to everything.
# One would guess: at most four layers have a window; a 1 under "no rope" means no rope.
# Matters: read by their names, the two keys bound the cache of just the wrong layers (here 4 of 6 instead of 2, 2 of 8
#   instead of 6).
# Seen:
#   qwen2, max_window_layers 4 of 6: full full full full sliding sliding
#   llama4, no_rope_layers [1, 1, 1, 0, 1, 1, 1, 0]: chunked chunked chunked full chunked chunked chunked full
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check transformers==5.24.0

venv/bin/python - 2>/dev/null <<'PY'
from transformers import Llama4TextConfig, Qwen2Config


def short(layer_types: list[str]) -> list[str]:
    return [kind.removesuffix("_attention") for kind in layer_types]


qwen = short(Qwen2Config(num_hidden_layers=6, use_sliding_window=True, sliding_window=128, max_window_layers=4).layer_types)
print("qwen2, max_window_layers 4 of 6:", *qwen)
marks = [1, 1, 1, 0, 1, 1, 1, 0]
llama = short(Llama4TextConfig(num_hidden_layers=8, no_rope_layers=marks).layer_types)
print(f"llama4, no_rope_layers {marks}:", *llama)
assert qwen == ["full"] * 4 + ["sliding"] * 2
assert llama == ["chunked" if mark else "full" for mark in marks]
PY
