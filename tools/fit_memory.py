"""Fits the memory constants of the engines to start-up logs, and writes them with their errors.

usage: python -m tools.fit_memory [--check]

Reads catalogs/engines/startup_logs.csv, writes the constants of catalogs/engines/vllm.toml (and of the engines
that share them) and the tables of docs/memory.md; with --check it only says whether they are as fitted.
"""

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from llm_calc.adapters.engine_catalog import load_engine_releases
from llm_calc.adapters.engines import engine_releases
from llm_calc.adapters.units import GIB
from llm_calc.core.engines import MemoryPlan
from llm_calc.core.engines.vllm import Vllm
from tools.startup_logs import LOGS, ROOT, Fitted, Key, Log, fit, left_out, read_logs

PAGE = ROOT / "docs" / "memory.md"
RELEASE = "[[releases]]\n"


def predicted_gib(plan: MemoryPlan, name: str) -> float:
    """What the plan says of one measured column; the file of llama.cpp is device and host together."""
    budget = plan.budget
    values = {
        "weights_gib": budget.weights_bytes + budget.host_weights_bytes - budget.doubled_bytes,
        "activation_peak_gib": budget.activation_peak_bytes,
        "non_torch_gib": budget.framework_bytes,
        "cuda_graph_gib": budget.cuda_graphs_bytes,
        "kv_cache_gib": budget.kv_cache_bytes,
    }
    return values[name] / GIB


Pairs = list[tuple[float, float]]


def relative_errors(logs: Sequence[Log], engine: str, name: str) -> list[float]:
    """|predicted / logged - 1| by setting: the median over a setting's logs."""
    errors: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for log in logs:
        if log.cells["engine"] != engine:
            continue
        pair = _bytes_per_token(log) if name == "bytes_per_token" else _pair(log, name)
        if pair is not None:
            errors[log.setting].append(abs(pair[0] / pair[1] - 1))
    return sorted(median(values) for values in errors.values())


def _pair(log: Log, name: str) -> tuple[float, float] | None:
    logged = log.value(name)
    if logged is None or (
        name == "kv_cache_gib" and not (log.cells["utilization"] and log.cells["gpu_memory_gib"])
    ):
        return None
    return predicted_gib(log.plan(), name), logged


def _bytes_per_token(log: Log) -> tuple[float, float] | None:
    size, tokens = log.value("kv_cache_gib"), log.value("kv_cache_tokens")
    return None if size is None or tokens is None else (log.plan().bytes_per_token, size * GIB / tokens)


def overhead_pairs(logs: Sequence[Log], name: str) -> tuple[Pairs, Pairs]:
    """(predicted, logged) in GiB of vLLM's overheads: as fitted, and with the log's own model left out."""
    fitted = [(predicted_gib(log.plan(), name), value) for log in logs for value in _logged(log, name)]
    held = [
        (predicted_gib(log.plan(by), name), value)
        for log, by in left_out(logs)
        for value in _logged(log, name)
    ]
    return fitted, held


def _logged(log: Log, name: str) -> list[float]:
    value = log.value(name)
    return [value] if value is not None and isinstance(log.engine, Vllm) else []


def size_table(logs: Sequence[Log]) -> list[str]:
    """Weights, bytes a token and KV budget against the logs."""
    rows = [
        "| figure | engine | settings | median error | 90 % below | within 1 % | within 3 % |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, words in (
        ("weights_gib", "weights per GPU"),
        ("bytes_per_token", "KV cache bytes per token and GPU"),
        ("kv_cache_gib", "KV cache budget"),
    ):
        for engine in ("vllm", "sglang", "llama.cpp"):
            errors = relative_errors(logs, engine, name)
            if errors:
                rows.append(f"| {words} | {engine} | {len(errors)} | {_shares(errors)} |")
    return rows


def _shares(errors: list[float]) -> str:
    high = float(np.quantile(errors, 0.9))
    near, close = sum(e <= 0.01 for e in errors), sum(e <= 0.03 for e in errors)
    return f"{median(errors):.2%} | {high:.2%} | {near} of {len(errors)} | {close} of {len(errors)}"


def overhead_table(logs: Sequence[Log]) -> list[str]:
    """Overheads of vLLM against the logs, in GiB; the interval holds 80 % of logged minus predicted."""
    rows = [
        "| figure | logs | median logged | median error | interval of the error | median error, model left out |",
        "|---|---|---|---|---|---|",
    ]
    for name, words in (
        ("activation_peak_gib", "activation peak"),
        ("non_torch_gib", "outside of the allocator"),
        ("cuda_graph_gib", "CUDA graphs"),
    ):
        fitted, held = overhead_pairs(logs, name)
        low, high = np.quantile([logged - mine for mine, logged in fitted], [0.1, 0.9])
        rows.append(
            f"| {words} | {len(fitted)} | {median(logged for _, logged in fitted):.2f} GiB | {_typical(fitted)} | "
            f"{low:+.2f} to {high:+.2f} GiB | {_typical(held)} |"
        )
    return rows


def _typical(pairs: Pairs) -> str:
    return f"{median(abs(logged - mine) for mine, logged in pairs):.3f} GiB"


def constants_table(fitted: Mapping[Key, Fitted]) -> list[str]:
    """The constants by the release that states them, with what they rest on."""
    rows = ["| from | constant | value | logs | rests on |", "|---|---|---|---|---|"]
    for release in engine_releases("vllm"):
        basis = {constant.name: constant.basis for constant in release.constants}
        rows += [
            f"| {release.version} | `{name}` | {constant.value:,.4g} | {constant.logs} | {basis[name]} |"
            for (stated, name), constant in fitted.items()
            if stated == release.version
        ]
    return rows


def with_constants(text: str, fitted: Mapping[Key, Fitted]) -> str:
    """VLLM's catalog file with the fitted values, and their numbers of logs, replaced release by release."""
    head, *blocks = text.split(RELEASE)
    changed = []
    for block in blocks:
        version = block.split('version = "', 1)[1].split('"', 1)[0]
        for (stated, name), constant in fitted.items():
            if stated == version:
                block = _with_constant(block, name, constant)  # noqa: PLW2901
        changed.append(block)
    return RELEASE.join((head, *changed))


def _with_constant(block: str, name: str, constant: Fitted) -> str:
    shown = f"{constant.value:.1f}" if constant.value < 1000 else str(round(constant.value))
    pattern = rf'(name = "{name}"\nvalue = )[^\n]*(\nlogs = )\d+'
    return re.sub(pattern, rf"\g<1>{shown}\g<2>{constant.logs}", block)


def with_tables(text: str, tables: Mapping[str, list[str]]) -> str:
    """The page with the rows between each pair of markers replaced."""
    for name, rows in tables.items():
        start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, rest = text.split(start)
        _, after = rest.split(end)
        text = "".join((before, start, "\n".join(rows), "\n", end, after))
    return text


def _update(path: Path, new: str, *, check: bool) -> list[str]:
    """Writes a file anew, unless ``check``; its name if that changes it."""
    if new == path.read_text(encoding="utf-8"):
        return []
    if not check:
        path.write_text(new, encoding="utf-8")
    return [path.name]


def write_constants(fitted: Mapping[Key, Fitted], *, check: bool) -> list[str]:
    """Puts the constants into the catalog; the name of the file if that changes it."""
    path = LOGS.with_name("vllm.toml")
    stale = _update(path, with_constants(path.read_text(encoding="utf-8"), fitted), check=check)
    load_engine_releases.cache_clear()
    return stale


def main() -> int:
    """Fits, writes and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if something would change"
    )
    check = parser.parse_args().check
    fitted = fit(read_logs())
    stale = write_constants(fitted, check=check)
    logs = read_logs()
    tables = {
        "constants": constants_table(fitted),
        "sizes": size_table(logs),
        "overheads": overhead_table(logs),
    }
    stale += _update(PAGE, with_tables(PAGE.read_text(encoding="utf-8"), tables), check=check)
    print("\n\n".join("\n".join(rows) for rows in tables.values()))
    if stale:
        print(f"\n{'differ from the fit' if check else 'written'}: {', '.join(stale)}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
