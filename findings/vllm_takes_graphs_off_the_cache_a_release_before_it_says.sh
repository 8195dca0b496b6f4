#!/usr/bin/env bash
# vLLM 0.20.0: what CUDA graphs are estimated to take comes off the KV cache, and its log says that this is so since 0.21.0.
#
# Behaviour: VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS is off where nothing is said in 0.19.0 and on in 0.20.0; 0.19.0 warns that it
#   will become the default in 0.19, 0.20.0 tells that it is the default since 0.21.0. The default share of the memory rises from
#   0.9 to 0.92 in the same release.
# One would guess: a release does what its own log says of releases; upgrading from 0.19 to 0.20 leaves such a start as it was.
# Matters: with gpu_memory_utilization given, the cache of 0.20 is smaller by the graphs (0.5 to 1 GiB of an H100) than that of 0.19;
#   who rules 0.20 out by the log looks for the difference elsewhere.
# Seen:
#   0.19.0 estimates graphs: False; its log: This will become the default in v0.19.
#   0.20.0 estimates graphs: True; its log: default since v0.21.0
#   share of the memory: 0.9, 0.92
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
for version in 0.19.0 0.20.0; do
  venv/bin/pip download --quiet --disable-pip-version-check --no-deps --dest "$version" --only-binary :all: \
    --python-version 3.11 --platform manylinux_2_31_x86_64 --platform manylinux_2_35_x86_64 "vllm==$version"
done

venv/bin/python - <<'PY'
import re
import zipfile
from pathlib import Path


def read(version, name):
    (path,) = Path(version).glob("vllm-*.whl")
    return zipfile.ZipFile(path).read(name).decode()


def estimates(version):
    """What the release's own module of settings answers where the environment says nothing."""
    space = {"__name__": "vllm.envs"}
    exec(compile(read(version, "vllm/envs.py"), "envs.py", "exec"), space)
    return space["environment_variables"]["VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS"]()


def told(version):
    text = re.sub(r'"\s+"', "", read(version, "vllm/v1/worker/gpu_worker.py"))
    return re.search(r"This will become the default in v[\d.]+|default since v[\d.]+\d", text).group()


shares = [re.search(r"gpu_memory_utilization.*?(0\.9\d?)", read(v, "vllm/config/cache.py")).group(1) for v in ("0.19.0", "0.20.0")]
for version in ("0.19.0", "0.20.0"):
    print(f"{version} estimates graphs: {estimates(version)}; its log: {told(version)}")
print("share of the memory:", ", ".join(shares))
assert (estimates("0.19.0"), estimates("0.20.0")) == (False, True)
assert told("0.20.0") == "default since v0.21.0"
assert shares == ["0.9", "0.92"]
PY
