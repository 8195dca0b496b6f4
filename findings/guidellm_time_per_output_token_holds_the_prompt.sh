#!/usr/bin/env bash
# guidellm 0.8.1: its "time per output token" holds the wait for the first token, and its "tokens per second" the prompt's tokens.
#
# Behaviour: time_per_output_token_ms is everything from the request's start to the last token over ALL output tokens. What
#   vLLM's own benchmark calls TPOT (without the first token, over n - 1) is inter_token_latency_ms here. tokens_per_second
#   of a request counts what was read along with what was written; output_tokens_per_second does not.
# One would guess: TPOT of two benchmarks of the same servers is one quantity, and tokens per second are generated ones.
# Matters: compared with a TPOT measured elsewhere, or predicted, this one is off by ttft / n; here nearly threefold.
# Seen (100 tokens in, 11 out, first after 2 s, last after 3 s):
#   time_per_output_token_ms 272.73, inter_token_latency_ms 100.00
#   tokens_per_second 37.00, output_tokens_per_second 3.67
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check guidellm==0.8.1 torch==2.13.0 transformers==5.24.0

venv/bin/python - 2>/dev/null <<'PY'
from guidellm.schemas import RequestInfo, RequestTimings, UsageMetrics
from guidellm.schemas.base.request_stats import GenerativeRequestStats

times = RequestTimings(
    request_start=0.0, first_token_iteration=2.0, last_token_iteration=3.0, request_end=3.0, resolve_end=3.0
)
request = GenerativeRequestStats(
    request_id="one", info=RequestInfo(timings=times), input_metrics=UsageMetrics(text_tokens=100),
    output_metrics=UsageMetrics(text_tokens=11),
)
print(f"time_per_output_token_ms {request.time_per_output_token_ms:.2f}, "
      f"inter_token_latency_ms {request.inter_token_latency_ms:.2f}")
print(f"tokens_per_second {request.tokens_per_second:.2f}, output_tokens_per_second {request.output_tokens_per_second:.2f}")
assert abs(request.time_per_output_token_ms - 3000 / 11) < 1e-6
assert abs(request.inter_token_latency_ms - 100) < 1e-6
assert request.tokens_per_second == 37.0
PY
