"""llama.cpp's own fit: what was not said is chosen so that each device keeps a margin free.

Context first, down to a least one; then whole layers from the back, of a mixture of experts without its experts; then
whole layers from the front instead of those, device by device, each with a part of one more, whose rest lies on the
next device, or with the host behind the last. What the options say stays.

Source: llama.cpp ``common/fit.cpp`` at 08033df, ``common_params_fit_impl``; checked: 2026-11-30.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from llm_calc.core.engines.llama_cpp_split import (
    EXPERTS,
    HostTensors,
    Onward,
    devices,
    no_host_tensors,
    tensors_of_blocks,
    together,
)

ATTENTION, UP, GATE = "attention", "up", "gate"
_LEFT: dict[str, frozenset[str]] = {
    "": frozenset(EXPERTS),
    ATTENTION: tensors_of_blocks("gate", "up", "down") | {"ffn_gate_inp"},
    UP: tensors_of_blocks("gate", "down") | {"ffn_gate_inp"},
    GATE: tensors_of_blocks("down"),
}
"""What the first overflowing layer leaves to another place, by how much of it is on the device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """How a model is loaded: cells in all, layers of each device (the output counts as one), tensors of the host.

    ``onward``: tensors of a device's layer that lie on the next device.
    """

    n_ctx: int
    layers: tuple[int, ...]
    host: HostTensors
    onward: tuple[Onward, ...] = ()

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

    @property
    def devices(self) -> range:
        """All of them."""
        return range(len(self.targets))


Needs = Callable[[Loading, range], Sequence[float]]
"""Bytes that each of these devices takes under a loading: what one more layer does is asked of one of them."""


@dataclass(frozen=True, slots=True)
class _Dealt:
    """Layers of one device: all, and of these the last ``part`` without what ``left`` names of the first of them."""

    layers: int = 0
    part: int = 0
    left: str = ""

    def moved(self, layers: int, part: int, left: str = "") -> "_Dealt":
        """With so many more layers, and so many more of them partial."""
        return _Dealt(self.layers + layers, self.part + part, left)


def fitted(question: FitQuestion, start: Loading, needs: Needs) -> Loading:
    """The loading that the server starts with.

    ``start`` where it leaves the margins; else a shorter context, then fewer layers, experts before whole layers.
    Source: llama.cpp ``common/fit.cpp`` at 08033df, ``common_params_fit_impl``; checked: 2026-11-30.
    Leaves out: nothing of what it chooses.
    """
    used = needs(start, question.devices)
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
    least_used = sum(needs(least, question.devices))
    count = len(question.targets)
    if count > 1:
        layer = sum(needs(replace(start, n_ctx=1), question.devices)) / question.num_layers
        target -= (count + 1) * layer / (6 if question.experts else 2)
    if target <= least_used:
        return least, False
    span = question.longest - question.shortest
    cells = question.shortest + int(span * (target - least_used) / (used - least_used))
    return replace(start, n_ctx=max(cells - cells % question.align, question.shortest)), True


def _dealt(question: FitQuestion, start: Loading, needs: Needs) -> Loading:
    """Layers from the back without experts; then whole ones from the front, where all but experts fits."""
    dealer = _Dealer(question, start, needs)
    dealt: tuple[_Dealt, ...] = (_Dealt(),) * len(question.targets)
    for device in reversed(range(len(dealt))):
        dealt = dealer.filled(dealt, device)
    if not question.experts or not dealer.fits_without_experts():
        return dealer.at(dealt)
    device = 0
    while device <= _first_dense(dealt):
        dealt = dealer.with_part(dealer.with_experts(dealt, device), device)
        device += 1
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
        (taken,) = self.needs(self.at(dealt), range(device, device + 1))
        return taken <= self.question.targets[device]

    def fits_without_experts(self) -> bool:
        """Whether everything but experts fits all devices together."""
        experts = (frozenset(EXPERTS),) * self.question.num_layers
        bare = replace(self.start, host=together(self.start.host, experts))
        return sum(self.needs(bare, self.question.devices)) < sum(self.question.targets)

    def filled(self, dealt: tuple[_Dealt, ...], device: int) -> tuple[_Dealt, ...]:
        """As many layers as the device takes of those that the later ones left, of a mixture without experts."""
        free = self.question.num_layers + 1 - sum(each.layers for each in dealt[device + 1 :])
        output = 1 if device == len(dealt) - 1 else 0

        def tried(layers: int) -> tuple[_Dealt, ...]:
            part = max(layers - output, 0) if self.question.experts else 0
            return _put(dealt, device, _Dealt(layers, part))

        return tried(_largest(free, lambda layers: self.fits(tried(layers), device)))

    def with_experts(self, dealt: tuple[_Dealt, ...], device: int) -> tuple[_Dealt, ...]:
        """As many of the layers without experts as the device takes whole, from the front."""
        partial = sum(each.part for each in dealt[_first_dense(dealt) :])
        most = _largest(partial, lambda full: self.fits(_whole_at(dealt, device, full), device))
        return _whole_at(dealt, device, most)

    def with_part(self, dealt: tuple[_Dealt, ...], device: int) -> tuple[_Dealt, ...]:
        """A part of one more layer: without gate and down, then without down alone, else its attention."""
        dense = _first_dense(dealt)
        if not dealt[dense].part:
            return dealt
        moved = _put(dealt, dense, dealt[dense].moved(-1, -1, dealt[dense].left))

        def tried(left: str) -> tuple[_Dealt, ...]:
            return _put(moved, device, moved[device].moved(1, 1, left))

        for left, further in ((UP, GATE), (ATTENTION, "")):
            if self._takes(tried(left), device):
                return tried(further) if further and self._takes(tried(further), device) else tried(left)
        return dealt

    def _takes(self, dealt: tuple[_Dealt, ...], device: int) -> bool:
        """Whether the device and the next one, which has the rest, leave their margins."""
        return all(self.fits(dealt, each) for each in range(device, min(device + 2, len(dealt))))


def _put(dealt: tuple[_Dealt, ...], device: int, one: _Dealt) -> tuple[_Dealt, ...]:
    return (*dealt[:device], one, *dealt[device + 1 :])


def _first_dense(dealt: Sequence[_Dealt]) -> int:
    """The first device that has layers without their experts, behind one that it may have a part of."""
    dense = (device for device, each in enumerate(dealt) if each.part > bool(each.left))
    return next(dense, len(dealt) - 1)


def _whole_at(dealt: tuple[_Dealt, ...], device: int, count: int) -> tuple[_Dealt, ...]:
    """So many layers without experts, from the first of them, whole on a device that stands before them."""
    moved, left = list(dealt), count
    for each in range(_first_dense(dealt), len(dealt)):
        taken = min(left, moved[each].part)
        moved[each] = moved[each].moved(-taken, -taken)
        left -= taken
    return _put(tuple(moved), device, moved[device].moved(count, 0))


def _loading(question: FitQuestion, start: Loading, dealt: Sequence[_Dealt]) -> Loading:
    layers = tuple(each.layers for each in dealt)
    kept, onward = list(no_host_tensors(question.num_layers)), list[Onward]()
    first = question.num_layers + 1 - sum(layers)
    for device, each in enumerate(dealt):
        begin = first + each.layers - each.part
        for layer in range(begin, min(begin + each.part, question.num_layers)):
            rest = _LEFT[each.left if layer == begin else ""]
            if layer == begin and each.left and device + 1 < len(dealt):
                onward.append(Onward(layer=layer, device=device + 1, names=rest))
            else:
                kept[layer] = rest
        first += each.layers
    return Loading(
        n_ctx=start.n_ctx, layers=layers, host=together(start.host, tuple(kept)), onward=tuple(onward)
    )


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
