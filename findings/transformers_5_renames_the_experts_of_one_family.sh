#!/usr/bin/env bash
# transformers 5.24.0: saving a Qwen3-MoE config renames `num_experts`, and mlx-lm 0.32.2 then cannot build the model.
#
# Behaviour: the file that Qwen publishes says `num_experts`; the one that transformers 5 writes says `num_local_experts` and
#   has the old key no longer. Its nearest relatives, Qwen2-MoE, Qwen3-Next and OLMoE, keep `num_experts`.
# One would guess: a config that is read and saved keeps its keys, or that relatives are treated alike.
# Matters: a reader that looks for `num_experts` finds a dense model or none; here it raises.
# Seen:
#   qwen3_moe: num_local_experts
#   qwen2_moe: num_experts
#   qwen3_next: num_experts
#   olmoe: num_experts
#   mlx-lm: ModelArgs.__init__() missing 'num_experts'
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check mlx-lm==0.32.2 mlx==0.32.4 mlx-cpu==0.32.4 transformers==5.24.0

venv/bin/python - 2>/dev/null <<'PY'
import json
from pathlib import Path

from mlx_lm.models import qwen3_moe
from transformers import AutoConfig

spelt = {}
for family in ("qwen3_moe", "qwen2_moe", "qwen3_next", "olmoe"):
    AutoConfig.for_model(family, num_experts=64).save_pretrained(family)
    saved = json.loads(Path(family, "config.json").read_text())
    spelt[family] = next(key for key in ("num_experts", "num_local_experts") if saved.get(key) == 64)
    print(f"{family}: {spelt[family]}")
assert spelt == {"qwen3_moe": "num_local_experts", "qwen2_moe": "num_experts", "qwen3_next": "num_experts", "olmoe": "num_experts"}

try:
    qwen3_moe.ModelArgs.from_dict(json.loads(Path("qwen3_moe/config.json").read_text()))
except TypeError as error:
    assert "missing" in str(error) and "'num_experts'" in str(error), error
    print("mlx-lm: ModelArgs.__init__() missing 'num_experts'")
else:
    raise SystemExit("mlx-lm reads it now")
PY
