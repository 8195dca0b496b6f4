#!/usr/bin/env bash
# optimum-quanto 0.2.7 (torch 2.13.0): the group of 4-bit weights depends on each matrix's width, down to one scale a row.
#
# Behaviour: the group is 128 where it divides the row, else 96, 64 or 32; where none of them does, or the row is 128 or shorter,
#   the whole row shares a scale and an offset. A row of 416 gets groups of 32, one of 200 none at all. No option sets it, nothing
#   records it but the shapes of the scales.
# One would guess: one group size for a model, with the last group of a row padded, or an error.
# Matters: in one model the bits a weight differ from 4.1 to 5 by the matrix, and so does the error.
# Seen:
#   row of 128: groups of 128, 4.25 bits a weight
#   row of 200: groups of 200, 4.16 bits a weight
#   row of 288: groups of 96, 4.33 bits a weight
#   row of 416: groups of 32, 5.00 bits a weight
#   row of 1024: groups of 128, 4.25 bits a weight
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check torch==2.13.0 optimum-quanto==0.2.7 "setuptools<81" numpy

OMP_NUM_THREADS=1 venv/bin/python - 2>/dev/null <<'PY'
import torch
from optimum.quanto import freeze, qint4, quantize

found = {}
for width in (128, 200, 288, 416, 832, 1024):
    module = torch.nn.Sequential(torch.nn.Linear(width, 64, bias=False)).to(torch.bfloat16)
    quantize(module, weights=qint4)
    freeze(module)
    state = module.state_dict()
    groups = next(each.numel() for name, each in state.items() if name.endswith("_scale") and "weight" in name) // 64
    bits = sum(each.numel() * each.element_size() for name, each in state.items() if "weight" in name) * 8 / (64 * width)
    found[width] = width // groups
    print(f"row of {width}: groups of {width // groups}, {bits:.2f} bits a weight")
assert found == {128: 128, 200: 200, 288: 96, 416: 32, 832: 64, 1024: 128}, found
PY
