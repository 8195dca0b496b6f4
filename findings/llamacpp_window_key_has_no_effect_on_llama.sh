#!/usr/bin/env bash
# llama.cpp as bundled in xllamacpp 2026.10.11549: a GGUF file of the architecture `llama` that states a sliding window is
# loaded without it, and the cache is as large as the context.
#
# Behaviour: `llama.attention.sliding_window` is part of the GGUF vocabulary and is written by gguf-py, but the loader reads
#   a window for some architectures only. For `llama` (where Mistral 7B's files belong) it says n_swa = 0 and warns of nothing.
# One would guess: a key of the format that names a window bounds the cache, as the same model's config does elsewhere.
# Matters: at a context of 8192 the cache here is eight times that of the stated window; a planner that trusts the key is
#   that far off.
# Seen:
#   the file says llama.attention.sliding_window = 1024
#   the engine says n_swa = 0 and keeps 8192 cells in 1 layers
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check xllamacpp==2026.10.11549 gguf==0.19.0 numpy==2.3.5

cat > model.py <<'PY'
import gguf
import numpy as np

w, rng = gguf.GGUFWriter("model.gguf", "llama"), np.random.default_rng(0)
width, inner, heads, kv_heads, vocabulary = 256, 512, 4, 2, 64
w.add_context_length(8192)
w.add_embedding_length(width)
w.add_block_count(1)
w.add_feed_forward_length(inner)
w.add_head_count(heads)
w.add_head_count_kv(kv_heads)
w.add_layer_norm_rms_eps(1e-5)
w.add_rope_dimension_count(width // heads)
w.add_sliding_window(1024)
w.add_tokenizer_model("llama")
w.add_token_list(["<unk>", "<s>", "</s>", "<0x0A>"] + [f"t{i}" for i in range(vocabulary - 4)])
w.add_token_scores([0.0] * vocabulary)
w.add_token_types([2, 3, 3, 6] + [1] * (vocabulary - 4))
kv_width = width // heads * kv_heads
shapes = {
    "token_embd": (vocabulary, width), "output_norm": (width,), "output": (vocabulary, width),
    "blk.0.attn_norm": (width,), "blk.0.ffn_norm": (width,), "blk.0.attn_q": (width, width),
    "blk.0.attn_k": (kv_width, width), "blk.0.attn_v": (kv_width, width), "blk.0.attn_output": (width, width),
    "blk.0.ffn_gate": (inner, width), "blk.0.ffn_up": (inner, width), "blk.0.ffn_down": (width, inner),
}
for name, shape in shapes.items():
    w.add_tensor(name + ".weight", rng.standard_normal(shape).astype(np.float32) / 50)
w.write_header_to_file()
w.write_kv_data_to_file()
w.write_tensors_to_file()
w.close()
reader = gguf.GGUFReader("model.gguf")
key = "llama.attention.sliding_window"
print("the file says", key, "=", reader.fields[key].contents())
PY
venv/bin/python model.py

cat > serve.py <<'PY'
import os
import time

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path, params.warmup, params.verbosity, params.n_ctx = "model.gguf", False, 5, 8192
server = xllamacpp.Server(params)
time.sleep(2)
os._exit(0)
PY
timeout 120 venv/bin/python serve.py > log 2>&1

window=$(grep -oE 'n_swa += [0-9]+' log | tail -1 | grep -oE '[0-9]+')
cells=$(grep -oE 'llama_kv_cache: size = .*' log | tail -1 | sed -E 's/.*\( *([0-9]+) cells, *([0-9]+) layers.*/\1 \2/')
read -r kept layers <<< "$cells"
echo "the engine says n_swa = $window and keeps $kept cells in $layers layers"
[ "$window $kept $layers" = "0 8192 1" ]
if grep -i "sliding" log | grep -iqE "warn|ignor"; then echo "it warns now"; exit 1; fi
