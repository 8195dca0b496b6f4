"""What llama.cpp's fit deals to several devices, by hand arithmetic over a model of ten layers."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from llm_calc.core.engines.llama_cpp_fit import FitQuestion, Loading, fitted
from llm_calc.core.engines.llama_cpp_split import EXPERTS, devices, no_host_tensors

LAYERS = 10
SIZES = {"attn_q": 1.0, **dict.fromkeys(EXPERTS, 3.0)}


def needs(loading: Loading) -> Sequence[float]:
    """A layer takes 1 without its experts and 3 for each of their matrices; the output takes nothing."""
    split = devices(LAYERS, loading.offloaded, len(loading.layers), [float(n) for n in loading.layers])
    taken = [0.0] * len(split)
    for device, each in enumerate(split):
        for layer in each.layers:
            moved = {name: one.device for one in loading.onward if one.layer == layer for name in one.names}
            for name, size in SIZES.items():
                if name not in loading.host[layer]:
                    taken[moved.get(name, device)] += size
    return taken


QUESTION = FitQuestion(
    num_layers=LAYERS,
    targets=(),
    longest=256,
    shortest=256,
    align=256,
    open_context=False,
    open_layers=True,
    experts=True,
)


def found(targets: Sequence[float], *, experts: bool = True) -> Loading:
    question = replace(QUESTION, targets=tuple(targets), experts=experts)
    whole = Loading(n_ctx=256, layers=(LAYERS + 1, *[0] * (len(targets) - 1)), host=no_host_tensors(LAYERS))
    return fitted(question, whole, lambda loading, devices: needs(loading)[devices.start : devices.stop])


def split_layers(loading: Loading) -> int:
    return sum(map(bool, loading.host))


def test_both_devices_are_filled_and_a_part_of_a_layer_lies_on_the_next() -> None:
    """First: 4 whole layers (40) and one without gate and down (4).

    Second: gate and down of that (6), 3 whole layers (30), of two more one without down (7) and one small (1).
    """
    loading = found([45.0, 45.0])
    assert loading.layers == (5, 6)
    assert needs(loading) == [44.0, 44.0]
    (onward,) = loading.onward
    assert (onward.layer, onward.device) == (4, 1)
    assert {"ffn_gate_exps", "ffn_down_exps"} <= onward.names
    assert "ffn_up_exps" not in onward.names


def test_what_one_device_fills_no_other_changes() -> None:
    """One device of 45: ten small layers (10), 3 whole more (27), and two matrices of one more (6)."""
    loading = found([45.0])
    assert loading.layers == (LAYERS + 1,)
    assert split_layers(loading) == 7
    assert needs(loading) == [43.0]


@pytest.mark.parametrize("targets", [[100.0, 30.0], [30.0, 100.0]])
def test_nothing_stays_with_the_host_where_all_fits_together(targets: list[float]) -> None:
    loading = found(targets)
    assert split_layers(loading) == 0
    assert sum(needs(loading)) == 100.0


@pytest.mark.parametrize("card", [20.0, 26.0, 33.0, 45.0])
def test_one_more_device_leaves_no_more_experts_with_the_host(card: float) -> None:
    """Of devices that hold all small layers and one whole: on smaller ones it leaves whole layers with the host."""
    kept = [split_layers(found([card] * count)) for count in range(1, 11)]
    assert kept == sorted(kept, reverse=True)
    assert kept[-1] == 0


@pytest.mark.parametrize("targets", [[30.0, 50.0], [12.0, 60.0], [45.0, 20.0], [25.0, 33.0, 17.0]])
def test_every_device_keeps_its_target_and_the_order_moves_one_layer_at_most(targets: list[float]) -> None:
    there, back = found(targets), found(targets[::-1])
    assert all(one <= most for one, most in zip(needs(there), targets, strict=True))
    assert abs(split_layers(there) - split_layers(back)) <= 1


def test_layers_without_experts_are_dealt_whole() -> None:
    """Layers of 10: 25 hold two of them, and the output."""
    assert found([25.0], experts=False).layers == (3,)


def test_a_trial_asks_only_the_devices_that_it_changes() -> None:
    """Sixteen of them: asking all at each trial made a plan that fails take seconds."""
    asked = [0, 0]

    def counted(loading: Loading, devices: range) -> Sequence[float]:
        asked[0], asked[1] = asked[0] + 1, asked[1] + len(devices)
        return needs(loading)[devices.start : devices.stop]

    question = replace(QUESTION, targets=(7.0,) * 16)
    whole = Loading(n_ctx=256, layers=(LAYERS + 1, *[0] * 15), host=no_host_tensors(LAYERS))
    fitted(question, whole, counted)
    trials, devices = asked
    assert trials > 40
    # The first trial and whether all but experts fits are asked of all sixteen.
    assert devices == trials + 2 * 15


def shortened(targets: Sequence[float], taken: Sequence[float], *, fixed: bool = False) -> int:
    """Cells that are left where devices take so much and the first a hundredth more for each cell."""
    open_context = replace(
        QUESTION,
        targets=tuple(targets),
        longest=16_384,
        shortest=4_096,
        open_context=not fixed,
        open_layers=False,
    )
    whole = Loading(n_ctx=16_384, layers=(LAYERS + 1,), host=no_host_tensors(LAYERS))
    first, *others = taken
    return fitted(open_context, whole, lambda loading, _: [first + loading.n_ctx / 100, *others]).n_ctx


def test_a_context_that_was_not_said_becomes_as_short_as_it_has_to() -> None:
    """10 and a hundredth a cell: 9000 cells fill 100, 35 whole pieces of 256 of them; never fewer than the least."""
    assert shortened([100.0], [10.0]) == 8_960
    assert shortened([173.84], [10.0]) == 16_384
    assert shortened([50.0], [10.0]) == 4_096
    assert shortened([100.0], [10.0], fixed=True) == 16_384


def test_a_context_stays_where_one_device_is_short_and_all_together_are_not() -> None:
    """60 on a device of 30 beside 20 on one of 100: layers are to move, cells are not too many."""
    assert shortened([30.0, 100.0], [60.0 - 163.84, 20.0]) == 16_384
