#!/usr/bin/env bash
# llama.cpp as bundled in xllamacpp 2026.10.11549: a context of 1000 tokens for three slots becomes one of 1536.
#
# Behaviour: the context is divided by the slots (333 each) and each share is rounded UP to a multiple of 256. The sum of
#   the rounded shares is what is allocated. The log calls that step "rounding down".
# One would guess: n_ctx is a ceiling, so that the cache never exceeds it, and the message says which way it went.
# Matters: a cache planned for n_ctx tokens is half as large again here; the smaller the share, the larger the surprise.
# Seen:
#   n_ctx is not divisible by n_seq_max - rounding down to 1536
#   asked 1000, allocated 512 cells x 3 sequences = 1536
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
w.add_context_length(4096)
w.add_embedding_length(width)
w.add_block_count(1)
w.add_feed_forward_length(inner)
w.add_head_count(heads)
w.add_head_count_kv(kv_heads)
w.add_layer_norm_rms_eps(1e-5)
w.add_rope_dimension_count(width // heads)
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
PY
venv/bin/python model.py

cat > serve.py <<'PY'
import os
import time

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path, params.warmup, params.verbosity = "model.gguf", False, 5
params.n_ctx, params.n_parallel = 1000, 3
server = xllamacpp.Server(params)
time.sleep(2)
os._exit(0)
PY
timeout 120 venv/bin/python serve.py > log 2>&1

grep -o 'n_ctx is not divisible by n_seq_max - rounding down to 1536' log | head -1
cells=$(grep -oE 'llama_kv_cache: size = .*' log | tail -1 | sed -E 's/.*\( *([0-9]+) cells.* ([0-9]+)\/.*/\1 \2/')
read -r per_sequence sequences <<< "$cells"
echo "asked 1000, allocated $per_sequence cells x $sequences sequences = $((per_sequence * sequences))"
[ "$((per_sequence * sequences))" -eq 1536 ]
