"""Quantities as people read them: at most three significant digits, the unit beside, ``—`` where nothing is known."""

from llm_calc.adapters.units import gib

NONE = "—"
THOUSANDS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k"))


def number(value: float | None) -> str:
    """1,234 in full, then 12.3k, 12.3M, 12.3B.

    >>> number(0.04512), number(7), number(9876.5), number(12345), number(70_553_706_496), number(None)
    ('0.0451', '7', '9,876', '12.3k', '70.6B', '—')
    """
    if value is None:
        return NONE
    for size, suffix in THOUSANDS:
        if abs(value) >= size:
            return f"{digits(value / (1e3 if suffix == 'k' else size))}{suffix}"
    return digits(value)


def digits(value: float) -> str:
    """Three significant digits, whole numbers in full.

    >>> digits(3.0), digits(3.14159), digits(1234.5), digits(0.0001234)
    ('3', '3.14', '1,234', '0.000123')
    """
    if float(value).is_integer() or abs(value) >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def seconds(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Seconds, below a tenth as milliseconds; with a range the three have one unit.

    >>> seconds(0.0093), seconds(0.42, 0.31, 0.58), seconds(0.05, 0.04, None)
    ('9.3 ms', '0.42 s (likely 0.31–0.58)', '50 ms')
    """
    if value is None:
        return NONE
    unit, factor = ("ms", 1e3) if abs(value) < 0.1 else ("s", 1.0)
    text = f"{digits(value * factor)} {unit}"
    if low is None or high is None:
        return text
    return f"{text} (likely {_short(low * factor)}–{_short(high * factor)})"


def _short(value: float) -> str:
    """Two significant digits."""
    return f"{float(f'{value:.2g}'):g}"


def memory(size_bytes: float | None) -> str:
    """GiB with its unit.

    >>> memory(13476831232), memory(-3 * 2**29), memory(5 * 2**20)
    ('12.6 GiB', '−1.5 GiB', '0.00488 GiB')
    """
    return NONE if size_bytes is None else f"{digits(gib(size_bytes))} GiB".replace("-", "−")


def usd(value: float | None) -> str:
    """Dollars, in cents from ten on.

    >>> usd(0.0123), usd(4.35), usd(1234.5)
    ('$0.0123', '$4.35', '$1,234')
    """
    return NONE if value is None else f"${digits(value)}"


def percent(fraction: float | None) -> str:
    """A share of one in per cent.

    >>> percent(0.0876), percent(2e-6), percent(0)
    ('8.8 %', '< 0.1 %', '0 %')
    """
    if fraction is None:
        return NONE
    return "< 0.1 %" if 0 < fraction < 0.001 else f"{_short(fraction * 100)} %"


def counted(amount: int, thing: str) -> str:
    """How many of something.

    >>> counted(1, "GPU"), counted(3, "plan")
    ('1 GPU', '3 plans')
    """
    return f"{amount:,} {thing}{'' if amount == 1 else 's'}"
