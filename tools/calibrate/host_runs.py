"""How far off placements on the host are: a section of docs/accuracy.md. ``python -m tools.calibrate.host_runs``."""

import csv
import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.catalog.files import catalog_folder
from llm_calc.adapters.operations import SERVING_ESTIMATE

GIB = 1 << 30
MOST_CONTEXT = 65_536
FIGURES = {"decode_tokens_per_s": "time a token", "prompt_tokens_per_s": "prompt"}


def host_runs() -> list[dict[str, str]]:
    """The public runs with a part of the model on the host (``catalogs/hosts/measured.csv``)."""
    with (catalog_folder("hosts") / "measured.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def request_of(row: dict[str, str]) -> dict[str, Any]:
    """A run as a request."""
    host: dict[str, Any] = {"platform": row["host"], "memory_bytes": 128 * GIB}
    if row["host_gb_per_s"]:
        host["memory_bandwidth_bytes_per_s"] = float(row["host_gb_per_s"]) * 1e9
    tokens = int(row["input_tokens"]) + int(row["output_tokens"])
    context = MOST_CONTEXT if row["kv_cache"] == "q8_0" else max(4096, -(-tokens // 256) * 256)
    engine: dict[str, Any] = {"name": "llama.cpp", "n_ctx": context, **_option(row["options"])}
    if row["n_ubatch"]:
        engine |= {"n_ubatch": int(row["n_ubatch"]), "n_batch": max(2048, int(row["n_ubatch"]))}
    return {
        "model": {"name": row["model"]},
        "precision": {"weights": row["weights"], "kv_cache": row["kv_cache"]},
        "hardware": {"gpu": row["gpu"], "host": host},
        "engine": engine,
        "workload": {"input_tokens": int(row["input_tokens"]), "output_tokens": int(row["output_tokens"])},
    }


def _option(text: str) -> dict[str, Any]:
    if not text:
        return {}
    name, value = text.split("=", 1)
    if value == "true":
        return {name: True}
    return {name: int(value) if value.isdigit() else value}


def ratio_of(row: dict[str, str]) -> tuple[str, float]:
    """What was measured, and predicted over measured seconds."""
    found = SERVING_ESTIMATE.answered(request_of(row), load_catalogs())
    if row["decode_tokens_per_s"]:
        return FIGURES["decode_tokens_per_s"], found.tpot_s * float(row["decode_tokens_per_s"])
    return FIGURES["prompt_tokens_per_s"], found.ttft_s * float(row["prompt_tokens_per_s"]) / int(
        row["input_tokens"]
    )


def host_section() -> Iterator[str]:
    """The section as Markdown, line by line."""
    ratios: dict[tuple[str, str], list[float]] = {}
    for row in host_runs():
        figure, ratio = ratio_of(row)
        ratios.setdefault((figure, row["role"]), []).append(ratio)
    yield "## llama.cpp: layers and experts on the host"
    yield ""
    yield (
        "Public runs that state memory, processor and placement (`catalogs/hosts/measured.csv`). The host's constants "
        "were chosen by hand on those called chosen, which is no error of prediction; the others were found later. "
        "Of prompts none is held out: their copies reach between half of the link and all of it."
    )
    yield ""
    yield "| what | runs | n | mean | median | bias |"
    yield "|---|---|---:|---:|---:|---:|"
    for (figure, role), found in sorted(ratios.items(), reverse=True):
        yield f"| {figure} | {role} | {len(found)} | {_errors(found)} |"
    yield ""


def _errors(ratios: Sequence[float]) -> str:
    errors = [abs(ratio - 1) for ratio in ratios]
    bias = math.exp(statistics.fmean(math.log(ratio) for ratio in ratios))
    return f"{statistics.fmean(errors):.1%} | {statistics.median(errors):.1%} | {bias:.2f}"


if __name__ == "__main__":
    print("\n".join(host_section()))
