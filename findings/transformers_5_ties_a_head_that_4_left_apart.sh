#!/usr/bin/env bash
# transformers 4.57.1 and 5.24.0 (torch 2.13.0): a Mistral3 config.json that does not speak of its head builds two models.
#
# Behaviour: transformers 4 lets the text part decide (`mistral` does not tie) and makes an output head of its own. transformers 5
#   asks the wrapper's class, whose default is `tie_word_embeddings: true`, and makes none. The file that 4 writes leaves the key
#   out, since neither part differs from its default there.
# One would guess: a file of an older release builds the same parameters under a newer one.
# Matters: Mistral-Small-3.1-24B is published with such a file (4.50): 24.01 billion parameters, of which 0.67 billion are the head.
#   Whoever counts with the class of 5 finds 23.34 billion, and 1.3 GB less in 16 bits.
# Seen (parameters of a small model):
#   4.57.1: head apart, 34784 parameters
#   5.24.0: head tied, 28384 parameters
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > count.py <<'PY'
import sys

import torch
import transformers
from transformers import Mistral3Config, Mistral3ForConditionalGeneration

text = {"model_type": "mistral", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "head_dim": 16}
text |= {"num_key_value_heads": 1, "intermediate_size": 48, "vocab_size": 200}
vision = {"model_type": "pixtral", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "head_dim": 8}
vision |= {"intermediate_size": 24, "image_size": 28, "patch_size": 14}
config = Mistral3Config(text_config=text, vision_config=vision)
with torch.device("meta"):
    model = Mistral3ForConditionalGeneration(config)
if hasattr(model, "tie_weights"):
    model.tie_weights()
tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
total = sum(each.numel() for each in model.parameters())
print(f"{transformers.__version__}: head {'tied' if tied else 'apart'}, {total} parameters")
assert tied == (sys.argv[1] == "tied")
open("total", "a").write(f"{total}\n")
PY
for release in 4.57.1:apart 5.24.0:tied; do
    python3 -m venv "venv-${release%%:*}"
    "venv-${release%%:*}/bin/pip" install --quiet --no-compile --disable-pip-version-check torch==2.13.0 "transformers==${release%%:*}"
    "venv-${release%%:*}/bin/python" count.py "${release##*:}" 2>/dev/null
done
# the difference is the head: 200 words of width 32
[ $(($(sed -n 1p total) - $(sed -n 2p total))) = $((200 * 32)) ]
