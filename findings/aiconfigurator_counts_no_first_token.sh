#!/usr/bin/env bash
# aiconfigurator 0.12.0 (with its measured tables of TensorRT-LLM 1.3.0rc20 on an H100): the throughput that it estimates leaves
# the first token of every answer out, and requests that want one token alone have a throughput of nothing, in tokens and in requests.
#
# Behaviour: tokens a second are requests a second times (output length - 1). With an output length of 1 both are 0.000, though
#   the same answer gives a time to first token and a concurrency.
# One would guess: tokens a second count every token that users receive, as serving benchmarks do, and a deployment that
#   classifies or embeds (one token a request) has requests a second of about concurrency over time to first token.
# Matters: for short answers the figure is low by 1 / output length (a tenth at 10 tokens, half at 2), and a planner that ranks by
#   it finds no deployment for work that only reads prompts.
# Seen (output length, requests a second, tokens a second, tokens of a request):
#   1 0.000 0.00 -
#   2 39.737 39.74 1.0
#   10 36.445 328.01 9.0
#   256 4.027 1026.92 255.0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check aiconfigurator==0.12.0 aiconfigurator-core==0.12.0

cat > ask.py <<'PY'
import re
import subprocess

FIXED = ["--model-path", "meta-llama/Meta-Llama-3.1-8B", "--system", "h100_sxm", "--isl", "1024", "--batch-size", "8"]


def estimate(length):
    command = ["venv/bin/aiconfigurator", "cli", "estimate", "--log-level", "ERROR", "--no-color", *FIXED, "--osl", str(length)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [float(re.search(rf"{name}: +([\d.,]+)", text)[1].replace(",", "")) for name in ("seq/s", "tokens/s")]


for length in (1, 2, 10, 256):
    requests, tokens = estimate(length)
    print(length, f"{requests:.3f} {tokens:.2f}", f"{tokens / requests:.1f}" if requests else "-")
    assert requests == tokens == 0 if length == 1 else abs(tokens / requests - (length - 1)) < 0.05
PY
venv/bin/python ask.py
