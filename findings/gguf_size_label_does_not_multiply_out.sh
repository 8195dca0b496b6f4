#!/usr/bin/env bash
# gguf (Python) 0.19.0: the size label of a mixture of experts is no product.
#
# Behaviour: the number after the "x" is the shared parameters PLUS those of one expert, so that every expert's number counts
#   the attention and the embedding again. Mixtral's 46.7 billion parameters are labelled 8x7.2B.
# One would guess: 8x7.2B holds 8 times 7.2 = 57.6 billion, or 7.2 is what one expert holds (it is 5.6), or what a token meets
#   (it is 12.9).
# Matters: memory taken from the label of a file name is a quarter too high for eight experts; the parts that are counted
#   again grow with the number of experts.
# Seen:
#   label 8x7.2B; parameters 46.70B; product 57.6B; one expert 5.64B; met by a token 12.88B
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check gguf==0.19.0 numpy==2.3.5

venv/bin/python - <<'PY'
import gguf

width, inner, layers, vocabulary, kv_width, experts, used = 4096, 14336, 32, 32000, 1024, 8, 2
one_expert = layers * 3 * width * inner
shared = 2 * vocabulary * width + width + layers * (2 * width * width + 2 * width * kv_width + 2 * width + experts * width)
total = shared + experts * one_expert
label = gguf.size_label(total, shared, one_expert, experts)
times, each = label.rstrip("B").split("x")
product = float(times) * float(each)
print(f"label {label}; parameters {total / 1e9:.2f}B; product {product:.1f}B; one expert {one_expert / 1e9:.2f}B; "
      f"met by a token {(shared + used * one_expert) / 1e9:.2f}B")
assert label == "8x7.2B" and round(total / 1e9, 1) == 46.7
PY
