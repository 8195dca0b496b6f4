#!/usr/bin/env bash
# hqq 0.2.8.post1 (torch 2.13.0): three bits take 3.2, and a scale and an offset of 16 bits a group each come on top.
#
# Behaviour: weights of three bits are stored ten in a word of 32, so that two bits of each word are idle. Scales and offsets are no
#   longer quantized themselves, as the method's first releases did. With the usual group of 64 "3-bit" is 3.7 bits a weight, with
#   16 it is more than 4-bit integers with groups of 64; 2 bits in groups of 16 take as many as 4 bits with one scale a row.
# One would guess: 3 bits and a little, 4/3 of them for 4 bits, as in GPTQ's and MLX's files, which pack them without gaps.
# Matters: the usual "3/16 of the 16-bit model" is a quarter too small.
# Seen:
#   4 bits, group 64: codes 4.00, with scales and offsets 4.50 bits a weight
#   3 bits, group 64: codes 3.20, with scales and offsets 3.70 bits a weight
#   3 bits, group 16: codes 3.20, with scales and offsets 5.20 bits a weight
#   2 bits, group 16: codes 2.00, with scales and offsets 4.00 bits a weight
#   4 bits, group None: codes 4.00, with scales and offsets 4.03 bits a weight
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.13.0 hqq==0.2.8.post1 numpy

OMP_NUM_THREADS=1 venv/bin/python - 2>/dev/null <<'PY'
import torch
from hqq.core.quantize import BaseQuantizeConfig, HQQLinear

found = {}
for bits, group in ((4, 64), (3, 64), (3, 16), (2, 16), (4, None)):
    linear = torch.nn.Linear(1280, 640, bias=False).to(torch.bfloat16)
    config = BaseQuantizeConfig(nbits=bits, group_size=group, axis=1)
    state = HQQLinear(linear, config, compute_dtype=torch.bfloat16, device="cpu").state_dict()
    codes = state["W_q"].numel() * state["W_q"].element_size() * 8 / (1280 * 640)
    scales = sum(state[each].numel() * state[each].element_size() for each in ("scale", "zero")) * 8 / (1280 * 640)
    found[bits, group] = (round(codes, 2), round(codes + scales, 2))
    print(f"{bits} bits, group {group}: codes {codes:.2f}, with scales and offsets {codes + scales:.2f} bits a weight")
assert found[3, 64] == (3.2, 3.7) and found[4, 64] == (4.0, 4.5)
assert found[3, 16][1] > found[4, 64][1] and found[2, 16][1] == 4.0
PY
