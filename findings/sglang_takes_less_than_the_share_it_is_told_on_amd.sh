#!/usr/bin/env bash
# SGLang 0.5.23: beside its default kernels on AMD's chips, a stated --mem-fraction-static of 0.9 is 0.765, and no log line says so.
#
# Behaviour: with attention_backend aiter (what ROCm takes by itself for most models) and a model whose context is longer than 8192
#   tokens, resolution multiplies mem_fraction_static by 0.85, its own and a stated one alike. A message exists for the other case
#   alone, where an environment variable keeps the stated share. A context of 8192 (--context-length) leaves the share as it is.
# One would guess: a share that is given is the share that is taken, as on NVIDIA's cards, and a shorter limit on requests changes
#   nothing of the pool.
# Matters: 0.9 x 0.15 of an MI300X are 26 GiB that neither weights nor cache get; who sizes a pool by the flag is off by that.
# Seen:
#   aiter, context 131072: stated 0.9, taken 0.765, messages 0
#   aiter, context 8192: stated 0.9, taken 0.9, messages 0
#   triton, context 131072: stated 0.9, taken 0.9, messages 0
# The function that decides is run as the wheel has it; what it imports (torch, kernels) is replaced by names that do nothing.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip download --quiet --disable-pip-version-check --no-deps --dest . --only-binary :all: --python-version 3.11 \
  --platform manylinux_2_34_x86_64 --platform manylinux_2_28_x86_64 sglang==0.5.23

venv/bin/python - <<'PY'
import logging
import sys
import types
import zipfile
from pathlib import Path
from unittest.mock import MagicMock

(wheel,) = Path().glob("sglang-*.whl")
source = zipfile.ZipFile(wheel).read("sglang/srt/arg_groups/attention_hook.py").decode()
for line in source.splitlines():
    if line.startswith("from sglang."):
        name = line.split()[1]
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            sys.modules.setdefault(".".join(parts[:end]), MagicMock())
hook = types.ModuleType("attention_hook")
exec(compile(source, "attention_hook.py", "exec"), hook.__dict__)


def taken(kernels, context):
    """The share after the release's own function, and what it logged."""
    args = types.SimpleNamespace(
        attention_backend=kernels,
        mem_fraction_static=0.9,
        disable_radix_cache=False,
        kv_cache_dtype="auto",
        attn_cp_size=1,
        dcp_size=1,
        _raw_input={"mem_fraction_static": 0.9},
    )
    said = []
    handler = logging.Handler()
    handler.emit = said.append
    hook.logger.addHandler(handler)
    hook.resolving_view = hook.resolved_view = lambda found: found
    hook.run_post_process_pass = lambda *_: None
    hook.attention_backends_of = lambda found: (found.attention_backend, found.attention_backend)
    hook.model_config_of = lambda _: types.SimpleNamespace(context_len=context, is_encoder_decoder=False)
    hook.declare_resolution = lambda found, _, **values: found.__dict__.update(values)
    hook.envs = types.SimpleNamespace(SGLANG_AITER_HONOR_EXPLICIT_MEM_FRACTION=types.SimpleNamespace(get=lambda: False))
    hook.handle_attention_backend_compatibility(args)
    hook.logger.removeHandler(handler)
    return args.mem_fraction_static, len(said)


found = {}
for kernels, context in (("aiter", 131072), ("aiter", 8192), ("triton", 131072)):
    share, messages = found[kernels, context] = taken(kernels, context)
    print(f"{kernels}, context {context}: stated 0.9, taken {share:.4g}, messages {messages}")
assert round(found["aiter", 131072][0], 6) == 0.765
assert found["aiter", 131072][1] == 0
assert found["aiter", 8192][0] == found["triton", 131072][0] == 0.9
settings = zipfile.ZipFile(wheel).read("sglang/srt/environ.py").decode()
assert "SGLANG_AITER_HONOR_EXPLICIT_MEM_FRACTION = EnvBool(False)" in settings
PY
