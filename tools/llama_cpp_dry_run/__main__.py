"""Fetch, build, load and record: see the package."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from tools.llama_cpp_dry_run.files import Probe, whole

HERE = Path(__file__).parent
GOLDEN = HERE.parents[1] / "tests" / "golden" / "llama_cpp_cache.json"
RELEASE, PACKAGE = "v0.5.0", "3.22.1"
DEVICE, CACHE, COMPUTE = "GPU0", 1, 2
NAMES = {
    "n_ctx": "n_ctx",
    "n_parallel": "np",
    "kv_unified": "unified",
    "flash_attn": "fa",
    "swa_full": "swa_full",
    "n_ubatch": "n_ubatch",
    "n_batch": "n_batch",
    "cache_type_k": "ctk",
    "cache_type_v": "ctv",
    "n_gpu_layers": "ngl",
    "override_tensor": "ot",
    "offload_kqv": "kqv",
    "op_offload": "op_offload",
}
PARTS = (("cache_bytes", CACHE), ("compute_bytes", COMPUTE), ("offloaded_compute_bytes", COMPUTE))


def fetched(folder: Path) -> tuple[Path, Path]:
    """The library's folder and its source, from the pinned packages."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in (f"@node-llama-cpp/linux-x64@{PACKAGE}", f"node-llama-cpp@{PACKAGE}"):
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True)
    for archive in folder.glob("*.tgz"):
        into = folder / archive.name.removesuffix(f"-{PACKAGE}.tgz")
        into.mkdir(exist_ok=True)
        subprocess.run(["tar", "xzf", archive, "-C", into], check=True)
    source, bundle = folder / "source", folder / "node-llama-cpp" / "package" / "llama" / "gitRelease.bundle"
    if not source.exists():
        subprocess.run(["git", "clone", "-q", bundle, source], check=True)
    return next(folder.glob("*linux-x64/package/bins/linux-x64")), source


def built(folder: Path, library: Path, source: Path) -> Path:
    """The probe, linked with the library."""
    program = folder / "probe"
    headers = [f"-I{source / part}" for part in ("include", "src", "ggml/include", "ggml/src")]
    names = (f"libllama.{RELEASE}.so", f"libggml.{RELEASE}.so", "libggml-base.so")
    libraries = [f"-L{library}", *(f"-l:{name}" for name in names), f"-Wl,-rpath,{library}"]
    subprocess.run(["g++", "-std=c++17", *headers, HERE / "probe.cpp", "-o", program, *libraries], check=True)
    return program


def asked(options: dict[str, Any]) -> dict[str, object]:
    """Options as the probe takes them."""
    return {NAMES[name]: _said(value) for name, value in options.items()}


def _said(value: object) -> object:
    """A pattern without its buffer: the probe keeps what matches with the host."""
    return int(value) if isinstance(value, bool) else str(value).removesuffix("=CPU")


def main(folder: Path) -> None:
    """Write what the library allocates for the recorded models and options anew."""
    library, source = fetched(folder)
    probe = Probe(built(folder, library, source), library)
    models = tomllib.loads((HERE / "models.toml").read_text(encoding="utf-8"))["models"]
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    for name, model in models.items():
        file = folder / "model.gguf"
        whole(probe, file, model["architecture"], model["keys"], model["further"])
        for part, place in PARTS:
            for row in golden[part].get(name, ()):
                found = probe(file, **asked(row["options"]))[DEVICE][place]
                word = "as recorded" if found == row["bytes"] else f"recorded {row['bytes']}"
                print(f"{name} {part} {row['options']}: {found} ({word})")
                row["bytes"] = found
    GOLDEN.write_text(written(golden), encoding="utf-8")


def written(golden: dict[str, Any]) -> str:
    """The recorded figures, one row a line."""
    parts = [f" {json.dumps(key)}: {_part(value)}" for key, value in golden.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _part(value: Any) -> str:
    if not isinstance(value, dict):
        return json.dumps(value)
    models = [
        f"  {json.dumps(name)}: [\n" + ",\n".join(f"   {json.dumps(row)}" for row in value[name]) + "\n  ]"
        for name in sorted(value)
    ]
    return "{\n" + ",\n".join(models) + "\n }"


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
