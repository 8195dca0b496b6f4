"""llama.cpp's own fit: what was not said is chosen so that each device keeps a margin free.

Context first, down to a least one; then whole layers from the back, of a mixture of experts without its experts; then
as many experts as there is room for, from the front; at last a part of one more layer. What the options say stays.

Source: llama.cpp v0.5.0 ``common/fit.cpp``, ``common_params_fit_impl``; checked: 2026-11-29.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from llm_calc.core.engines.llama_cpp_split import EXPERTS, HostTensors, devices, no_host_tensors, together

UP, GATE = "up", "gate"
_LEFT: dict[str, frozenset[str]] = {
    "": frozenset(EXPERTS),
    UP: frozenset(("ffn_gate", "ffn_down", "ffn_gate_exps", "ffn_down_exps")),
    GATE: frozenset(("ffn_down", "ffn_down_exps")),
}
"""What the first overflowing layer leaves with the host, by how much of it is on the device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """How a model is loaded: cells in all, layers of each device (the output counts as one), tensors of the host."""

    n_ctx: int
    layers: tuple[int, ...]
    host: HostTensors

    @property
    def offloaded(self) -> int:
        """Layers on devices, the output counted as one [layers].

        ``sum over devices``.
        Definition: ``n_gpu_layers``.
        """
        return sum(self.layers)

    def is_whole(self, num_layers: int) -> bool:
        """Whether devices hold all layers and the output, and the host no tensor of theirs."""
        return self.offloaded > num_layers and not any(self.host)


@dataclass(frozen=True, slots=True, kw_only=True)
class FitQuestion:
    """What may be chosen: ``targets``: bytes that each device may take; ``longest``, ``shortest``: cells in all.

    ``open_context``, ``open_layers``: they were not said. ``experts``: the model routes to experts. ``align``: cells
    come in these.
    """

    num_layers: int
    targets: tuple[float, ...]
    longest: int
    shortest: int
    align: int
    open_context: bool
    open_layers: bool
    experts: bool


Needs = Callable[[Loading], Sequence[float]]
"""Bytes that each device takes under a loading."""


@dataclass(frozen=True, slots=True)
class _Dealt:
    """Layers of one device: all, and of these the last ``part`` without what ``left`` names of the first of them."""

    layers: int = 0
    part: int = 0
    left: str = ""


def fitted(question: FitQuestion, start: Loading, needs: Needs) -> Loading:
    """The loading that the server starts with.

    ``start`` where it leaves the margins; else a shorter context, then fewer layers, experts before whole layers.
    Source: llama.cpp v0.5.0 ``common/fit.cpp``, ``common_params_fit_impl``; checked: 2026-11-29.
    Leaves out: parts of a layer that overflow to the next device instead of to the host; a layer's attention alone.
    """
    used = needs(start)
    if all(one <= target for one, target in zip(used, question.targets, strict=True)):
        return start
    found, enough = _shorter(question, start, needs, sum(used))
    if (enough and len(question.targets) == 1) or not question.open_layers:
        return found
    return _dealt(question, found, needs)


def _shorter(question: FitQuestion, start: Loading, needs: Needs, used: float) -> tuple[Loading, bool]:
    """Linear in the context between the least and the longest; False where the least is still too much."""
    target = sum(question.targets)
    if not question.open_context or question.longest <= question.shortest or used <= target:
        return start, False
    least = replace(start, n_ctx=question.shortest)
    least_used = sum(needs(least))
    count = len(question.targets)
    if count > 1:
        layer = sum(needs(replace(start, n_ctx=1))) / question.num_layers
        target -= (count + 1) * layer / (6 if question.experts else 2)
    if target <= least_used:
        return least, False
    span = question.longest - question.shortest
    cells = question.shortest + int(span * (target - least_used) / (used - least_used))
    return replace(start, n_ctx=max(cells - cells % question.align, question.shortest)), True


def _dealt(question: FitQuestion, start: Loading, needs: Needs) -> Loading:
    """Layers from the back without experts; then experts from the front."""
    dealer = _Dealer(question, start, needs)
    dealt: tuple[_Dealt, ...] = (_Dealt(),) * len(question.targets)
    for device in reversed(range(len(dealt))):
        dealt = dealer.filled(dealt, device)
    whole = sum(each.layers for each in dealt) == question.num_layers + 1
    if question.experts and whole and dealer.everywhere(dealt):
        for device in range(len(dealt)):
            dealt = dealer.with_experts(dealt, device)
    return dealer.at(dealt)


@dataclass(frozen=True, slots=True)
class _Dealer:
    """Deals layers to devices and asks what they then take."""

    question: FitQuestion
    start: Loading
    needs: Needs

    def at(self, dealt: Sequence[_Dealt]) -> Loading:
        """The loading that so dealt layers make."""
        return _loading(self.question, self.start, dealt)

    def fits(self, dealt: Sequence[_Dealt], device: int) -> bool:
        """Whether one device leaves its margin."""
        return self.needs(self.at(dealt))[device] <= self.question.targets[device]

    def everywhere(self, dealt: Sequence[_Dealt]) -> bool:
        """Whether all devices do."""
        return all(self.fits(dealt, device) for device in range(len(dealt)))

    def filled(self, dealt: tuple[_Dealt, ...], device: int) -> tuple[_Dealt, ...]:
        """As many layers as the device takes of those that the later ones left, of a mixture without experts."""
        free = self.question.num_layers + 1 - sum(each.layers for each in dealt[device + 1 :])
        output = 1 if device == len(dealt) - 1 else 0

        def tried(layers: int) -> tuple[_Dealt, ...]:
            part = max(layers - output, 0) if self.question.experts else 0
            return _put(dealt, device, _Dealt(layers, part))

        return tried(_largest(free, lambda layers: self.fits(tried(layers), device)))

    def with_experts(self, dealt: tuple[_Dealt, ...], device: int) -> tuple[_Dealt, ...]:
        """Experts back from the front, as many layers as fit, and a part of one more."""
        each = dealt[device]

        def tried(full: int, left: str = "") -> tuple[_Dealt, ...]:
            return _put(dealt, device, _Dealt(each.layers, each.part - full, left))

        most = _largest(each.part, lambda full: self.fits(tried(full), device))
        if most == each.part or not self.fits(tried(most, UP), device):
            return tried(most)
        return tried(most, GATE) if self.fits(tried(most, GATE), device) else tried(most, UP)


def _put(dealt: tuple[_Dealt, ...], device: int, one: _Dealt) -> tuple[_Dealt, ...]:
    return (*dealt[:device], one, *dealt[device + 1 :])


def _loading(question: FitQuestion, start: Loading, dealt: Sequence[_Dealt]) -> Loading:
    layers = tuple(each.layers for each in dealt)
    kept = list(no_host_tensors(question.num_layers))
    first = question.num_layers + 1 - sum(layers)
    for each in dealt:
        begin = first + each.layers - each.part
        for layer in range(begin, min(begin + each.part, question.num_layers)):
            kept[layer] = _LEFT[each.left if layer == begin else ""]
        first += each.layers
    return Loading(n_ctx=start.n_ctx, layers=layers, host=together(start.host, tuple(kept)))


def _largest(high: int, works: Callable[[int], bool]) -> int:
    """Largest number up to ``high`` that works, 0 if none does; what works for some works for fewer."""
    low = 0
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if works(middle) else (low, middle - 1)
    return low


def dealt_layers(num_layers: int, offloaded: int, count: int, shares: Sequence[float]) -> tuple[int, ...]:
    """Layers of each device, the output counted as one, before anything is fitted [layers].

    Definition: see :func:`.llama_cpp_split.devices`.
    """
    split = devices(num_layers, offloaded, count, shares)
    return tuple(len(device.layers) + device.output for device in split)
