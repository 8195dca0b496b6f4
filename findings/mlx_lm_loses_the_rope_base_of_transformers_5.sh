#!/usr/bin/env bash
# mlx-lm 0.32.2 with a config.json that transformers 5.24.0 wrote: the rotary base of a Llama becomes 10000, without a word.
#
# Behaviour: transformers 5 writes the base inside `rope_parameters` and no longer as `rope_theta`. mlx-lm's Llama reads
#   `rope_theta` alone, drops keys that it does not know, and falls back to its own default.
# One would guess: loading a checkpoint and saving it again changes nothing for another reader of the format, or it is refused.
# Matters: the model is built and runs, with positions of another base than it was trained on.
# Seen:
#   before saving: rope_theta 500000.0 | mlx-lm uses 500000.0
#   after saving:  rope_theta absent, rope_parameters {'rope_theta': 500000.0, 'rope_type': 'default'} | mlx-lm uses 10000
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check mlx-lm==0.32.2 mlx==0.32.4 mlx-cpu==0.32.4 transformers==5.24.0

venv/bin/python - 2>/dev/null <<'PY'
import json
from pathlib import Path

from mlx_lm.models import llama
from mlx_lm.utils import load_config
from transformers import LlamaConfig

published = {
    "model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 1, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 96, "rms_norm_eps": 1e-5, "max_position_embeddings": 2048, "rope_theta": 500000.0,
}
Path("before").mkdir()
Path("before/config.json").write_text(json.dumps(published))
LlamaConfig.from_pretrained("before").save_pretrained("after")


def used(folder: str) -> float:
    return llama.Model(llama.ModelArgs.from_dict(load_config(Path(folder)))).args.rope_theta


saved = json.loads(Path("after/config.json").read_text())
print("before saving: rope_theta", published["rope_theta"], "| mlx-lm uses", used("before"))
print("after saving:  rope_theta", saved.get("rope_theta", "absent") + ", rope_parameters", saved["rope_parameters"],
      "| mlx-lm uses", used("after"))
assert "rope_theta" not in saved and saved["rope_parameters"]["rope_theta"] == 500000.0
assert (used("before"), used("after")) == (500000.0, 10000)
PY
