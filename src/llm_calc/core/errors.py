"""What the core refuses, as exceptions.

The tree (each is an *expected refusal*, never a bug; the service maps it to a status by class)::

    CalcError
    ├── InvalidInputError            a value that cannot be right; names its field
    │   ├── UnknownNameError         a name that no catalog holds; carries the nearest names
    │   └── UnsupportedError         a sound value that this hardware, engine or model cannot do
    └── RefusedError                 the question is sound, and its answer is no
        ├── DoesNotFitError          memory is short; carries bytes needed and available
        └── NoPlanError              no layout or GPU meets the limits
"""

from collections.abc import Callable, Iterable, Mapping


class CalcError(Exception):
    """Base of all expected refusals. ``details`` holds the numbers that explain it (JSON types)."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def __reduce__(self) -> tuple[Callable[..., "CalcError"], tuple[object, ...]]:
        """Errors travel between processes as they are, whatever they are made from."""
        return _remade, (type(self), self.args, self.__dict__)


class InvalidInputError(CalcError):
    """A value that cannot be right. ``field`` is its path in the request, such as ``parallelism.tensor``."""

    def __init__(self, message: str, *, field: str | None = None, **details: object) -> None:
        super().__init__(message, **({"field": field} if field else {}), **details)
        self.field = field


class UnknownNameError(InvalidInputError):
    """A name that no catalog holds; the message offers the nearest ones."""

    def __init__(
        self, kind: str, name: str, nearest: Iterable[str] = (), *, field: str | None = None, hint: str = ""
    ) -> None:
        close = tuple(nearest)
        near = f"; nearest: {', '.join(close)}" if close else ""
        more = f"; {hint}" if hint else ""
        super().__init__(
            f"{field or kind}: unknown {kind} {name!r}{near}{more}", field=field, nearest=list(close)
        )
        self.nearest = close


class UnsupportedError(InvalidInputError):
    """A sound value that this hardware, engine or model cannot do."""


class RefusedError(CalcError):
    """The question is sound, and its answer is no."""


class DoesNotFitError(RefusedError):
    """Memory is short."""

    def __init__(self, message: str, *, needed_bytes: float, available_bytes: float) -> None:
        super().__init__(message, needed_bytes=needed_bytes, available_bytes=available_bytes)
        self.needed_bytes = needed_bytes
        self.available_bytes = available_bytes


class NoPlanError(RefusedError):
    """No layout, GPU or format meets the limits."""


def _remade(kind: type[CalcError], arguments: tuple[object, ...], state: Mapping[str, object]) -> CalcError:
    """An error of a class with what another one held."""
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class LimitsBrokenError(RefusedError):
    """A simulated run broke the limits that it was watched for."""


class CatalogError(ValueError):
    """A catalog file that cannot be right; says which file and which key."""
