#!/usr/bin/env bash
# llama.cpp as bundled in xllamacpp 2026.10.11549: what a sliding window's cache holds depends on the batch size.
#
# Behaviour: a layer whose window is 1024 tokens gets the window PLUS one physical batch (n_ubatch, 512 by default) of cells,
#   rounded up to 256. A larger -ub, which is set for speed of the prompt, enlarges the cache of every such layer.
# One would guess: the cache of a window of 1024 has 1024 cells, and n_ubatch sizes the compute buffers only.
# Matters: with -ub 2048 the windowed layers of this model take three times the bytes of their window.
# Seen:
#   n_ubatch  128: window of 1024 tokens, 1280 cells
#   n_ubatch  512: window of 1024 tokens, 1536 cells
#   n_ubatch 2048: window of 1024 tokens, 3072 cells
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check xllamacpp==2026.10.11549 gguf==0.19.0 numpy==2.3.5

cat > model.py <<'PY'
import gguf
import numpy as np

w, rng = gguf.GGUFWriter("model.gguf", "gemma2"), np.random.default_rng(0)
width, inner, vocabulary, head = 256, 512, 64, 64
w.add_context_length(8192)
w.add_embedding_length(width)
w.add_block_count(2)
w.add_feed_forward_length(inner)
w.add_head_count(4)
w.add_head_count_kv(2)
w.add_key_length(head)
w.add_value_length(head)
w.add_layer_norm_rms_eps(1e-5)
w.add_sliding_window(1024)
w.add_tokenizer_model("llama")
w.add_token_list(["<unk>", "<s>", "</s>", "<0x0A>"] + [f"t{i}" for i in range(vocabulary - 4)])
w.add_token_scores([0.0] * vocabulary)
w.add_token_types([2, 3, 3, 6] + [1] * (vocabulary - 4))
shapes = {"token_embd": (vocabulary, width), "output_norm": (width,)}
for layer in range(2):
    block = {
        "attn_norm": (width,), "post_attention_norm": (width,), "ffn_norm": (width,), "post_ffw_norm": (width,),
        "attn_q": (4 * head, width), "attn_k": (2 * head, width), "attn_v": (2 * head, width), "attn_output": (width, 4 * head),
        "ffn_gate": (inner, width), "ffn_up": (inner, width), "ffn_down": (width, inner),
    }
    shapes |= {f"blk.{layer}.{name}": shape for name, shape in block.items()}
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
import sys
import time

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path, params.warmup, params.verbosity = "model.gguf", False, 5
params.n_ctx, params.n_ubatch = 8192, int(sys.argv[1])
server = xllamacpp.Server(params)
time.sleep(2)
os._exit(0)
PY

seen=""
for batch in 128 512 2048; do
  timeout 120 venv/bin/python serve.py "$batch" > log 2>&1
  cells=$(grep -oE ' SWA KV cache, size = [0-9]+ cells' log | grep -v non-SWA | tail -1 | grep -oE '[0-9]+')
  printf 'n_ubatch %4d: window of 1024 tokens, %d cells\n' "$batch" "$cells"
  seen+="$cells "
done
[ "$seen" = "1280 1536 3072 " ]
