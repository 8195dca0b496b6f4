#!/usr/bin/env bash
# transformers 5.24.0: a Mistral or Mixtral config that does not mention a sliding window: one has it, the other has not.
#
# Behaviour: for `mistral` the missing key means a window of 4096 tokens, and only an explicit null means none. For `mixtral`,
#   whose layers are otherwise alike, a missing key means none.
# One would guess: a window is there where it is stated, and the two Ms of one maker share the rule.
# Matters: a config written by hand, or pruned of its nulls by some tool, silently attends to 4096 tokens only; a planner
#   that takes the missing key for "none" asks for eight times the cache at 32k.
# Seen:
#   mistral: key absent 4096, null None
#   mixtral: key absent None, null None
#   mistral written without nulls and read back: 4096
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check transformers==5.24.0

venv/bin/python - 2>/dev/null <<'PY'
import json
from pathlib import Path

from transformers import AutoConfig

seen = {}
for family in ("mistral", "mixtral"):
    absent, null = AutoConfig.for_model(family), AutoConfig.for_model(family, sliding_window=None)
    seen[family] = absent.sliding_window, null.sliding_window
    print(f"{family}: key absent {seen[family][0]}, null {seen[family][1]}")
without_nulls = {k: v for k, v in AutoConfig.for_model("mistral", sliding_window=None).to_dict().items() if v is not None}
Path("config.json").write_text(json.dumps(without_nulls))
back = AutoConfig.from_pretrained(".").sliding_window
print("mistral written without nulls and read back:", back)
assert seen == {"mistral": (4096, None), "mixtral": (None, None)} and back == 4096
PY
