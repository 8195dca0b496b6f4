"""Hyper-connections: several residual streams, mixed by what is computed from all of them.

Source: the mixings of ``modeling_deepseek_v4.py``, transformers 5.24.0: ``fn``, ``base`` and ``scale``; checked:
2026-11-30, read: one matrix from the concatenated streams, with a bias for each of its outputs and a scale for each
group of them. The idea is that of Zhu et al. 2024 (arXiv:2409.19606).
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import hidden_size
from llm_calc.core.blocks import Custom, Parts
from llm_calc.core.weights import Component, Weight


def hyper_connections(f: Fields, *, outputs: int, scales: int, remixed: bool) -> Custom:
    """Mixings around attention and around feed-forward; ``remixed``: streams are mixed with each other.

    That around attention counts as attention, the other as ``other``.
    """
    parts = Parts()
    for component in _AROUND:
        parts = parts + _mixing(f, component, outputs, scales, remixed=remixed)
    return Custom(name="hyper_connections", content=parts)


_AROUND: tuple[Component, Component] = ("attention", "other")


def _mixing(f: Fields, component: Component, outputs: int, scales: int, *, remixed: bool) -> Parts:
    streams, hidden = f.int("hc_mult"), hidden_size(f)
    rows = streams * hidden
    mixing = Weight(name="hyper_mixing", component=component, rows=rows, cols=outputs, bias=outputs + scales)
    return Parts(weights=(mixing, activations("hyper_streams", streams, rows)) if remixed else (mixing,))


def hyper_head(f: Fields) -> Weight:
    """Collapses the streams behind the last layer."""
    streams = f.int("hc_mult")
    return Weight(
        name="hyper_head", component="other", rows=streams * hidden_size(f), cols=streams, bias=streams + 1
    )


def activations(name: str, rows: int, cols: int, *, times: float = 1) -> Weight:
    """A product of activations with each other, ``rows x cols`` multiply-adds a token: no parameters."""
    return Weight(name=name, component="other", rows=rows, cols=cols, copies=0, used=times)
