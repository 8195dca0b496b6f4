"""Which tensors a pattern of module names selects, in the spellings that quantizers write."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from llm_calc.core.checkpoints.expression_syntax import (
    ANYTHING,
    SyntaxRefusedError,
    Tree,
    mask_of,
    parse_expression,
    parse_wildcards,
)
from llm_calc.core.checkpoints.expressions import Expression, Language
from llm_calc.core.checkpoints.module_names import (
    BARE,
    LAYER_WORDS,
    MIXERS,
    NATIVE,
    NEVER_QUANTIZED,
    SPECULATING,
    TOWER_WORDS,
    ends,
    tails,
)
from llm_calc.core.checkpoints.paths import (
    OTHER_STACKS,
    Spelling,
    as_first,
    beginnings,
    expert_of,
    holder_and_name,
    is_of,
    runs_of,
    stacks_of,
)
from llm_calc.core.checkpoints.selection import Selection
from llm_calc.core.checkpoints.tensors import Tensor, tensor_positions
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight

MAX_SEARCHES = 100_000
"""Layers times expressions that are searched for: about a second of work."""
MAX_EXPRESSIONS = 500
AT_THE_END = "end:"
WHOLE_NAME = "whole:"
ONE_MODULE = "one:"
MARKS = (AT_THE_END, WHOLE_NAME, ONE_MODULE)
"""What readers put before a name to tell its kind; no file has them."""
_IN_LAYER = re.compile(rf"(?:(.*)\.)?(?:{'|'.join(LAYER_WORDS)})\.(\d{{1,6}})(?:\.(.*))?")


class ModuleTable:
    """The matrices of a model by the names of their modules.

    ``re:…`` is a regular expression from the name's start; ``*`` stands for anything; whatever else is whole parts of a
    name (``gate`` is in ``mlp.gate``, not in ``mlp.gate_proj``), so that parents stand for all below them. ``end:…`` is
    the end of a whole name, ``whole:…`` and ``one:…`` one whole name. Names are
    those of published files; where these match nothing, those of other families and of engines.
    """

    def __init__(self, model: Model, field_name: str, *, engine_names: bool = False) -> None:
        self._field, self._engine_names = field_name, engine_names
        self._model = model
        positions = tensor_positions(model)
        weights = {
            (p.weight.component, p.weight.name): p.weight for p in model.placed if p.weight.kind != "vector"
        }
        self.weights: Mapping[Tensor, Weight] = weights
        self.layers = {tensor: positions[tensor] or (0,) for tensor in weights}
        self._inside = {tensor for tensor in weights if positions[tensor]}
        towers = any(component == "vision" for component, _ in weights)
        self._stacks = stacks_of(mixers=model.model_type.startswith(MIXERS), towers=towers)
        told = not model.model_type.startswith(NATIVE) or model.model_type.startswith(BARE)
        self._others = tuple(each for each in OTHER_STACKS if told and is_of(each, self._stacks))
        self._speculates = model.model_type.startswith(SPECULATING)
        self._names: dict[bool, _Names] = {}
        self._expressions = 0

    def inside(self, tensor: Tensor) -> bool:
        """Whether a tensor stands in layers."""
        return tensor in self._inside

    def select(self, pattern: str) -> Selection:
        """What a pattern names.

        Raises:
            InvalidInputError: an expression that is wrong or not read, or too many of them.
        """
        text = pattern.removesuffix(".weight")
        mark, _, rest = text.partition(":")
        chosen = _MARKS.get(f"{mark}:")
        if chosen is not None:
            beside = text.startswith(ONE_MODULE) and self._is_beside(rest)
            return self._named(lambda names: chosen(names, rest), lambda: beside)
        is_expression = text.startswith("re:") or any(mark in text for mark in "*?[")
        if not is_expression:
            return self._named(lambda names: names.holding(text), lambda: self._is_beside(text))
        self._count(pattern)
        try:
            expression = _expression(pattern)
            return self._named(
                lambda names: names.matching(expression),
                lambda: any(expression.matches(path) for path in self._beside_paths()),
            )
        except (SyntaxRefusedError, RecursionError) as error:
            why = "too complex" if isinstance(error, RecursionError) else str(error)
            raise InvalidInputError(
                f"{self._field}: the pattern {pattern[:80]!r} cannot be read: {why}", field=self._field
            ) from error

    def _named(self, named: Callable[["_Names"], Selection], beside: Callable[[], bool]) -> Selection:
        """What is named in this model's own spelling, else in that of others."""
        for own in (True, False):
            if own not in self._names:
                stacks = self._stacks if own else (*self._stacks, *self._others)
                self._names[own] = _Names(self, self._model, Spelling(stacks, own))
            found = named(self._names[own])
            if found:
                native = self._engine_names or self._model.model_type.startswith(NATIVE)
                found.foreign = not own and not native
                return found
        return Selection(beside=beside())

    def _count(self, pattern: str) -> None:
        self._expressions += 1
        if self._expressions > MAX_EXPRESSIONS or self._expressions * self._model.num_layers > MAX_SEARCHES:
            limits = (
                f"at most {MAX_EXPRESSIONS} patterns, layers x patterns of modules at most {MAX_SEARCHES}"
            )
            raise InvalidInputError(f"{self._field}: {limits}; {pattern[:80]!r} is beyond", field=self._field)

    def _is_beside(self, text: str) -> bool:
        """Whether a name is that of something that exists and has no format to choose."""
        if text.rpartition(".")[2].endswith(NEVER_QUANTIZED):
            return True
        if self._model.head_tied and text.endswith("lm_head"):
            return True
        found = _IN_LAYER.fullmatch(text)
        beyond = found is not None and int(found[2]) >= self._model.num_layers
        return self._speculates and (beyond or "mtp" in text or "nextn" in text)

    def _beside_paths(self) -> Iterator[str]:
        for stack in self._stacks:
            yield from (f"{stack}.0.input_layernorm", f"{stack}.0.mlp.gate.e_score_correction_bias")
        yield "model.norm"
        if self._model.head_tied:
            yield "lm_head"
        if self._speculates:
            last = self._model.num_layers
            yield from ("mtp.fc", "mtp.layers.0.mlp.gate_proj", "model.mtp.layers.0.mlp.gate_proj")
            yield from (f"model.layers.{last}.eh_proj", f"model.layers.{last}.mlp.experts.0.gate_proj")


class _Names:
    """One spelling of all names."""

    def __init__(self, table: ModuleTable, model: Model, spelling: Spelling) -> None:
        self._table, self._spelling = table, spelling
        self._tails: dict[str, list[Tensor]] = {}
        self._ends: dict[str, list[Tensor]] = {}
        for tensor in table.weights:
            component, name = tensor
            inside = table.inside(tensor)
            paths = tails(component, name, model.model_type, own=spelling.own) if inside else ()
            for path in paths:
                self._tails.setdefault(path, []).append(tensor)
            for path in () if inside else ends(component, name, own=spelling.own):
                self._ends.setdefault(path, []).append(tensor)
        self._runs = _grouped(self._tails, runs_of)
        self._heads = _grouped(self._tails, beginnings)
        self._layers = {tensor: frozenset(layers) for tensor, layers in table.layers.items()}
        self._numbers = sorted({layer for tensor in table.weights for layer in table.layers[tensor]})
        self._cut = [holder_and_name(path) for path in self._tails]
        self._universe = " ".join(
            (*(f"{stack}." for stack in spelling.stacks), *(f".{tail}" for tail in self._tails), *self._ends)
        )
        self._end_runs = _grouped(self._ends, runs_of)
        self._stack_words = {run for stack in spelling.stacks for run in runs_of(stack)}
        self._towers = [tensor for tensor in table.weights if tensor[0] == "vision"]

    def holding(self, text: str) -> Selection:
        """What names hold these whole parts."""
        found = Selection()
        parts = text.split(".")
        if TOWER_WORDS.intersection(parts):
            found.add(self._towers, (0,))
            return found
        inside = _IN_LAYER.fullmatch(text)
        if inside is not None:
            self._in_layer(found, inside[1] or "", int(inside[2]), inside[3] or "")
            return found
        tensors = self._table.weights if text in self._stack_words else self._runs.get(as_first(text), ())
        for tensor in tensors:
            if self._table.inside(tensor):
                found.add((tensor,), self._table.layers[tensor], expert_of(text))
        found.add(self._end_runs.get(text, ()), (0,))
        return found

    def _in_layer(self, found: Selection, stack: str, layer: int, tail: str) -> None:
        if "mtp" in stack or "nextn" in stack:
            return
        for tensor in self._heads.get(as_first(tail), ()) if tail else self._table.weights:
            if self._table.inside(tensor) and layer in self._layers[tensor]:
                found.add((tensor,), (layer,), expert_of(tail))

    def ending(self, text: str) -> Selection:
        """What names end so, in any layer."""
        found = Selection()
        for path, tensors in (*self._tails.items(), *self._ends.items()):
            for tensor in tensors if path.endswith(text) else ():
                found.add((tensor,), self._table.layers[tensor])
        return found

    def one(self, text: str) -> Selection:
        """The one module of this name, or anything of a tower: its parents stand for nothing."""
        if TOWER_WORDS.intersection(text.split(".")):
            return self.holding(text)
        found, inside = Selection(), _IN_LAYER.fullmatch(text)
        if inside is None:
            found.add(self._ends.get(text, ()), (0,))
        elif "mtp" not in (inside[1] or ""):
            self._hold(
                found, self._tails.get(as_first(inside[3] or ""), ()), {int(inside[2])}, expert_of(text)
            )
        return found

    def called(self, text: str) -> Selection:
        """What is called so: no parents, no parts."""
        found = Selection()
        inside = _IN_LAYER.fullmatch(text)
        if inside is None:
            found.add(self._ends.get(text, ()), (0,))
        elif inside[1]:
            tensors = self._tails.get(as_first(inside[3] or ""), ())
            self._hold(found, tensors, {int(inside[2])})
        return found

    def matching(self, expression: Expression) -> Selection:
        """What an expression matches."""
        found = Selection()
        if not all(piece in self._universe for piece in expression.literals):
            return found
        for path, tensors in self._ends.items():
            if is_of(path, self._spelling.stacks) and expression.matches(path):
                found.add(tensors, (0,))
        states: dict[Language, set[int]] = {}
        for stack in self._spelling.stacks:
            behind = expression.walk(expression.begin, f"{stack}.")
            for layer in () if behind is expression.nothing else self._numbers:
                states.setdefault(expression.walk(behind, f"{layer}."), set()).add(layer)
        states.pop(expression.nothing, None)
        for state, layers in states.items():
            self._tails_from(expression, state, layers, found)
        return found

    def _tails_from(
        self, expression: Expression, state: Language, layers: set[int], found: Selection
    ) -> None:
        behind: dict[str, Language] = {"": state}
        for holder, name in self._cut:
            if holder not in behind:
                behind[holder] = expression.walk(state, holder)
            if expression.walk(behind[holder], name).nullable:
                self._hold(found, self._tails[holder + name], layers)

    def _hold(
        self, found: Selection, tensors: Iterable[Tensor], layers: set[int], expert: int | None = None
    ) -> None:
        """Names tensors in those of the layers in which they stand."""
        for tensor in tensors:
            held = layers & self._layers[tensor]
            if held:
                found.add((tensor,), held, expert)


_MARKS = {AT_THE_END: _Names.ending, WHOLE_NAME: _Names.called, ONE_MODULE: _Names.one}


def _grouped(
    paths: Mapping[str, list[Tensor]], pieces: Callable[[str], tuple[str, ...]]
) -> dict[str, list[Tensor]]:
    """Pieces of these names with the tensors that they name."""
    found: dict[str, dict[Tensor, None]] = {}
    for path, tensors in paths.items():
        for piece in pieces(path):
            found.setdefault(piece, {}).update(dict.fromkeys(tensors))
    return {piece: list(tensors) for piece, tensors in found.items()}


def _expression(pattern: str) -> Expression:
    if pattern.startswith("re:"):
        return Expression(parse_expression(pattern.removeprefix("re:")))
    inner = parse_wildcards(pattern.removesuffix(".weight"))
    dot = Tree("set", mask=mask_of("."))
    before = Tree("rep", (Tree("cat", (ANYTHING, dot)),), high=1)
    behind = Tree("rep", (Tree("cat", (dot, ANYTHING)),), high=1)
    return Expression(Tree("cat", (before, inner, behind)), anchored_end=True)
