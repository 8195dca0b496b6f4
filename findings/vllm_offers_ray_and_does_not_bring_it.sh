#!/usr/bin/env bash
# vLLM 0.33.0: the launcher still offers Ray for several hosts, and neither the wheel nor any of its extras brings Ray.
#
# Behaviour: DistributedExecutorBackend names "ray" and --data-parallel-backend takes it, as ever. The wheel's metadata asked
#   for ray[cgraph] in 0.13.0; that of 0.33.0 does not name Ray at all, not even as an extra, and the images are built of it.
#   Several hosts are started by --nnodes, --node-rank and --master-addr, with --headless on all but the first; together with
#   --nnodes a data-parallel backend of "ray" is refused.
# One would guess: what an option of the server names is installed with the server, or with an extra of that name.
# Matters: a command or a LeaderWorkerSet of two hosts that was written for Ray ends with "ray: not found".
# Seen:
#   0.13.0 needs ray: ray[cgraph]>=2.48.0
#   0.33.0 needs ray: nothing, extras with it: nothing
#   0.33.0 executors: ray, mp, uni, external_launcher
#   0.33.0 refuses --nnodes 2 with --data-parallel-backend ray: True
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
for version in 0.13.0 0.33.0; do
  venv/bin/pip download --quiet --disable-pip-version-check --no-deps --dest "$version" \
    --only-binary :all: --python-version 3.11 --platform manylinux_2_31_x86_64 --platform manylinux_2_28_x86_64 \
    "vllm==$version"
done

venv/bin/python - <<'PY'
import re
import zipfile
from email.parser import Parser
from pathlib import Path


def wheel(version):
    (path,) = Path(version).glob("vllm-*.whl")
    archive = zipfile.ZipFile(path)
    read = lambda name: archive.read(name).decode()
    told = Parser().parsestr(read(next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))))
    return read, told


_, old = wheel("0.13.0")
read, new = wheel("0.33.0")
needs = {name: [each for each in told.get_all("Requires-Dist") if re.match(r"ray\b", each)] for name, told in
         (("0.13.0", old), ("0.33.0", new))}
extras = [each for each in new.get_all("Provides-Extra") if "ray" in each]
print("0.13.0 needs ray:", ", ".join(needs["0.13.0"]))
print("0.33.0 needs ray:", ", ".join(needs["0.33.0"]) or "nothing,", "extras with it:", ", ".join(extras) or "nothing")
(listed,) = re.findall(r"DistributedExecutorBackend = Literal\[(.*?)\]", read("vllm/config/parallel.py"), re.DOTALL)
executors = re.findall(r'"(\w+)"', listed)
print("0.33.0 executors:", ", ".join(executors))
refused = 'self.nnodes > 1 and self.data_parallel_backend != "mp"' in read("vllm/engine/arg_utils.py")
print("0.33.0 refuses --nnodes 2 with --data-parallel-backend ray:", refused)
assert needs["0.13.0"] and not needs["0.33.0"] and not extras
assert "ray" in executors and refused
PY
