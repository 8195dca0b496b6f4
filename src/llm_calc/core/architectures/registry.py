"""The table of families: which function reads which ``model_type``.

Adding a family. Put one module into ``families/`` (every module there is imported; nothing else changes) and
register a function from ``Fields`` to ``Model`` under the model types it reads, or a row made of pieces::

    register("my_moe", read=Decoder(attention=gqa(qk_norm="head"), feed_forward=mixture(...)))

    @family("my_hybrid")
    def my_hybrid(f: Fields) -> Model:
        layers = [(norms, mixer(i), mlp) for i in range(f.int("num_hidden_layers", most=MOST_LAYERS))]
        return assemble(f, layers)

``pieces.py``, ``mixtures.py``, ``latent.py`` and ``windows.py`` hold the pieces (``gqa``, ``mlp``, ``mixture``,
``latent``, ``norms``) and ``assemble``. Defaults of absent keys come from the table of classes by
``model_type`` (``defaults="other"``: those of another type). A wrapper reads its text part with
``dispatch.read_model(f.part("text_config"))`` and adds towers with ``dataclasses.replace(model,
outside=model.outside + weights)``; its function is a family like any other. ``f.assume("…")`` notes a guess.
Keys that change no size in a type stand in the tables, each with the reason (``neutral.passed_by``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.neutral import class_defaults
from llm_calc.core.model import Model

Reader = Callable[[Fields], Model]
FAMILIES_PACKAGE = "llm_calc.core.architectures.families"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How one model type is read.

    ``defaults`` names the class whose defaults apply to absent keys; ``names`` are those under which the table has
    keys that change no size in it; ``repeats`` holds those that only repeat what the class fixes (any other value is
    reported).
    """

    read: Reader
    defaults: str
    names: tuple[str, ...]
    repeats: tuple[tuple[str, object], ...] = ()


_FAMILIES: dict[str, Family] = {}


def register(
    *model_types: str,
    read: Reader,
    defaults: str | None = None,
    group: str = "",
    repeats: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Registers one reader under one or more model types; ``group``: another name under which the table has keys.

    Raises:
        ValueError: if a type is registered twice.
    """
    for name in model_types:
        if name in _FAMILIES:
            raise ValueError(f"model type {name!r} is registered twice")
        _FAMILIES[name] = Family(
            read=read,
            defaults=defaults or name,
            names=(name, group),
            repeats=tuple(repeats.items()),
        )


def family(*model_types: str, defaults: str | None = None) -> Callable[[Reader], Reader]:
    """Registers the decorated function; see ``register``."""

    def add(read: Reader) -> Reader:
        register(*model_types, read=read, defaults=defaults)
        return read

    return add


def find(model_type: str) -> Family | None:
    """The family of a model type, if there is one."""
    _load()
    return _FAMILIES.get(model_type)


def known_types() -> tuple[str, ...]:
    """Every registered model type, sorted."""
    _load()
    return tuple(sorted(_FAMILIES))


def read_known(f: Fields) -> Model | None:
    """The model that fields describe by their own ``model_type``; None for a type that nobody registered."""
    found = find(f.model_type)
    if found is None:
        return None
    _pass_by(f, found)
    f.adopt(found.defaults)
    return found.read(f)


def read_as(f: Fields, model_type: str) -> Model:
    """The model that the class of ``model_type`` builds from a configuration of another class.

    Absent keys are what the configuration's own class assumes, then what the other one does.
    """
    found = _FAMILIES[model_type]
    _pass_by(f, found)
    f.defaults = replace(
        f.defaults, keys={**class_defaults(f.tables, found.defaults).keys, **f.defaults.keys}
    )
    return found.read(f)


def _pass_by(f: Fields, found: Family) -> None:
    for name in found.names:
        f.pass_by(name)
    f.agree(**dict(found.repeats))


@cache
def _load() -> None:
    package = import_module(FAMILIES_PACKAGE)
    for module in iter_modules(package.__path__):
        import_module(f"{FAMILIES_PACKAGE}.{module.name}")
