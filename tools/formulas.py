"""What a formula's docstring has to say, and which functions of the core are formulas.

A formula is a public function, method or property of ``llm_calc.core`` that returns a number, or a record that
holds some. Its docstring, together with that of its class, names

- the unit of what it returns in brackets, ``[bytes]`` (``[1]``: a count or a ratio);
- its basis, at the beginning of a line: ``Source:`` (published, with section or file), ``Definition:`` (nothing to
  look up: the figure is what the words say) or ``Choice:`` (this calculator's own rule, with what speaks for it);
- the equation as a literal, unless it is a definition in words;
- what it ``Leaves out:``, or that it is exact, unless it is a definition.

A source that anything in the package names, formula or not, was opened: it says ``checked:`` and the day.
"""

import inspect
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from importlib import import_module
from types import ModuleType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

import llm_calc.core
from llm_calc.core.arrays import FloatArray

LABELS = ("Sources?", "Definition", "Choice", "Leaves out")
UNITS = frozenset(
    {
        *("bytes", "bytes/s", "bits", "FLOP", "FLOP/s", "s", "tokens", "tokens/s", "requests", "requests/s"),
        *(
            "sequences",
            "GPUs",
            "nodes",
            "layers",
            "heads",
            "experts",
            "elements",
            "parameters",
            "keys",
            "pairs",
        ),
        *("blocks", "slots", "rows", "ranks", "replicas", "USD", "USD/h", "USD per million", "W", "J", "1"),
    }
)
HELPERS = frozenset({"llm_calc.core.arrays", "llm_calc.core.errors"})
"""Modules without formulas: arithmetic in whatever unit it is given, and exceptions."""
READINGS = ("llm_calc.core.architectures", "llm_calc.core.checkpoints")
"""Rooms that read which matrices a published class has, and how a tool stored them: no formulas, and held by counts
of the classes and by what the tools wrote."""

_BRACKETS = re.compile(r"\[([^\[\]]+)\]")
_BASIS = re.compile(r"^\s*(Sources?|Definition|Choice):", re.MULTILINE)
_SOURCE = re.compile(r"(?<!-> )\bSources?:")
_ENDS = re.compile(r"^\s*$|\"\"\"|^\s*(Leaves out|Choice|Definition|Sources?):", re.MULTILINE)
_CHECKED = re.compile(r"checked:\s+\d{4}-\d{2}-\d{2}\b")
_LITERAL = re.compile(r"``([^`]+)``")
_OPERATOR = re.compile(r" [x+/=<>-] |\^|/|(max|min|sum|ceil|floor|clip)\(")


@dataclass(frozen=True, kw_only=True)
class Formula:
    """A formula with its full name, and the docstring of the class that it belongs to."""

    name: str
    docstring: str
    of_class: str = ""

    @cached_property
    def text(self) -> str:
        """Everything that a reader finds on it."""
        return f"{self.of_class}\n\n{self.docstring}"

    @property
    def summary(self) -> str:
        """The first line without its unit and markup."""
        return (
            _BRACKETS.sub("", self.docstring.partition("\n")[0]).replace(" .", ".").replace("``", "").strip()
        )

    @property
    def unit(self) -> str:
        """The units that it names first."""
        return next(iter(self._units), "")

    @property
    def basis(self) -> str:
        """``Source``, ``Definition`` or ``Choice``: the one that its own docstring names first."""
        return next(iter(self._bases), "")

    @cached_property
    def _bases(self) -> list[str]:
        return [found.rstrip("s") for found in _BASIS.findall(f"{self.docstring}\n{self.of_class}")]

    @cached_property
    def _units(self) -> list[str]:
        groups = _BRACKETS.findall(f"{self.docstring}\n{self.of_class}")
        return [group for group in groups if set(group.split(", ")) <= UNITS]

    @property
    def lacks(self) -> list[str]:
        """What it does not say."""
        bases = set(self._bases)
        missing = [] if self._units else ["a unit in brackets"]
        if not bases:
            missing.append("Source, Definition or Choice")
        if bases - {"Definition"}:
            missing += [] if self._has_equation else ["an equation"]
            missing += [] if re.search(r"Leaves out:|[Ee]xact", self.text) else ["what it leaves out"]
        if unread_sources(self.text):
            missing.append("the day on which its source was checked")
        return missing

    @property
    def _has_equation(self) -> bool:
        return any(_OPERATOR.search(literal) for literal in _LITERAL.findall(self.text))


def unread_sources(text: str) -> list[str]:
    """Return the beginnings of sources that do not say on which day they were read."""
    found = []
    for match in _SOURCE.finditer(text):
        end = _ENDS.search(text, match.end())
        cited = text[match.start() : end.start() if end else None]
        if not _CHECKED.search(cited):
            found.append(" ".join(cited.split())[:80])
    return found


def modules() -> Iterator[ModuleType]:
    """Yield every module of the core."""
    for found in pkgutil.walk_packages(llm_calc.core.__path__, "llm_calc.core."):
        yield import_module(found.name)


def formulas() -> Iterator[Formula]:
    """Yield every formula of the core."""
    for module in modules():
        if module.__name__ not in HELPERS and not module.__name__.startswith(READINGS):
            yield from _of_module(module)


def public_names(module: ModuleType) -> Iterator[str]:
    """Yield the full names of the public functions and classes that a module defines."""
    for name, entry in vars(module).items():
        defined_here = getattr(entry, "__module__", "") == module.__name__
        if not name.startswith("_") and defined_here and (inspect.isclass(entry) or _function(entry)):
            yield f"{module.__name__}.{name}"


def _of_module(module: ModuleType) -> Iterator[Formula]:
    for full_name in public_names(module):
        entry = getattr(module, full_name.rpartition(".")[2])
        if not inspect.isclass(entry):
            yield from _formula(full_name, _function(entry))
            continue
        for name, member in vars(entry).items():
            if not name.startswith("_"):
                yield from _formula(f"{full_name}.{name}", _function(member), entry.__doc__ or "")


def _formula(name: str, function: Any, of_class: str = "") -> Iterator[Formula]:
    if function is not None and holds_numbers(get_type_hints(function).get("return")):
        yield Formula(name=name, docstring=function.__doc__ or "", of_class=of_class)


def _function(entry: Any) -> Any:
    """Return the function behind a function, a cached one or a property; None for anything else."""
    if isinstance(entry, property):
        return entry.fget
    if isinstance(entry, cached_property):
        return entry.func
    unwrapped = inspect.unwrap(entry) if callable(entry) else entry
    return unwrapped if inspect.isfunction(unwrapped) else None


def holds_numbers(hint: Any) -> bool:
    """Return whether a value of this type is a number, or a record or collection of some.

    Of a record only amounts count (floats and arrays): whole numbers alone are shapes.
    """
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return any({float, np.ndarray} & number_types(hints[field.name]) for field in fields(hint))
    parts = get_args(hint) if _is_collection(hint) else ()
    return bool(number_types(hint)) or any(is_dataclass(part) and holds_numbers(part) for part in parts)


def number_types(hint: Any) -> set[type]:
    """Return the types of numbers among the members of a union, a tuple or a mapping, or the type itself."""
    if hint is FloatArray:
        return {np.ndarray}
    if get_origin(hint) is np.ndarray:
        return set() if np.dtype[np.bool_] in get_args(hint) else {np.ndarray}
    if _is_collection(hint):
        return {found for each in get_args(hint) for found in number_types(each)}
    return {hint} & {int, float} if inspect.isclass(hint) else set()


def _is_collection(hint: Any) -> bool:
    origin = get_origin(hint)
    mapping = inspect.isclass(origin) and issubclass(origin, Mapping)
    return mapping or origin in (Union, UnionType, tuple)
