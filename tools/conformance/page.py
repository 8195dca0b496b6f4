"""``docs/conformance.md``: what agrees with engines' own code to the byte, and what does not."""

from collections import defaultdict
from pathlib import Path

from tools.conformance.record import read
from tools.conformance.vllm import recorded_case
from tools.conformance.vllm_cases import RELEASE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"
FIGURES = ("blocks", "block_bytes", "max_concurrency", "tokens", "longest")
CLOSE = 0.001


def write_page() -> None:
    """Writes the table of every engine between its markers."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_table(text, "vllm", vllm_table()), encoding="utf-8")


def with_table(text: str, name: str, rows: list[str]) -> str:
    """The page with the rows between a pair of markers replaced."""
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, rest = text.split(start)
    return "".join((before, start, "\n".join(rows), "\n", end, rest.split(end)[1]))


def mine(row: dict[str, str]) -> dict[str, float]:
    """The product's figures of a recorded case of vLLM."""
    plan = recorded_case(row).plan
    size = plan.pools[0].claims[0].block_bytes
    return {
        "blocks": round(plan.budget.kv_cache_bytes / size),
        "block_bytes": size,
        "max_concurrency": float(plan.sequences(plan.max_model_len_tokens)),
        "tokens": float(plan.kv_cache_tokens),
        "longest": float(min(plan.max_context_tokens(), plan.max_model_len_tokens)),
    }


def vllm_table() -> list[str]:
    """One row an architecture and layout: the worst difference over memories and lengths, figure by figure."""
    worst: dict[tuple[str, ...], dict[str, float]] = defaultdict(lambda: dict.fromkeys(FIGURES, 0.0))
    for row in read("vllm"):
        key, found = (row["model"], row["gpu"], row["tensor"], row["pipeline"], row["kv_cache"]), mine(row)
        for figure in FIGURES:
            theirs = float(row[figure])
            off = abs(found[figure] - theirs) / max(theirs, 1.0)
            worst[key][figure] = max(worst[key][figure], off)
    names = " | ".join(figure.replace("_", " ") for figure in FIGURES)
    head = [
        f"| vLLM {RELEASE}: model | GPU | tensor | stages | cache | {names} |",
        "|" + "---|" * (5 + len(FIGURES)),
    ]
    return head + [
        f"| {' | '.join(key)} | {' | '.join(_words(off[figure]) for figure in FIGURES)} |"
        for key, off in worst.items()
    ]


def _words(off: float) -> str:
    return "equal" if off < CLOSE else f"{off:.1%} off"
