"""Quantities as people read them, by the rules of the page.

At most three significant digits, two for the ends of a range and both in one unit, the unit beside, and ``—`` where
nothing is known.
"""

NONE = "—"
GIB_BYTES, MIB_BYTES = 2**30, 2**20
THOUSANDS = ((1e12, 1e12, "T"), (1e9, 1e9, "B"), (1e6, 1e6, "M"), (1e4, 1e3, "k"))
MS_BELOW_S, US_BELOW_S = 0.1, 1e-4


def significant(value: float, digits: int = 3) -> str:
    """So many significant digits, never in powers of ten.

    >>> significant(3.0), significant(3.14159), significant(0.00001234), significant(-2.5), significant(123456)
    ('3', '3.14', '0.0000123', '−2.5', '123,000')
    """
    rounded = float(f"{value:.{digits}g}")
    whole, point, rest = f"{rounded:,.12f}".partition(".")
    return f"{whole}{point}{rest}".rstrip("0").rstrip(point).replace("-", "−")


def number(value: float | None, digits: int = 3) -> str:
    """A count or a rate: 1,234 in full, then 12.3k, 12.3M, 12.3B.

    >>> number(0.04512), number(7), number(9876.5), number(12345), number(70_553_706_496), number(None)
    ('0.0451', '7', '9,876', '12.3k', '70.6B', '—')
    """
    if value is None:
        return NONE
    size, suffix = _thousands(value)
    if suffix:
        return f"{significant(value / size, digits)}{suffix}"
    return f"{value:,.0f}".replace("-", "−") if abs(value) >= 1000 else significant(value, digits)


def _thousands(value: float) -> tuple[float, str]:
    """How much a count of this size is best read in, and the letter for it."""
    return next(((size, suffix) for least, size, suffix in THOUSANDS if abs(value) >= least), (1.0, ""))


def _time_unit(value_s: float) -> tuple[str, float]:
    """The unit in which a time is best read, and how many of it a second is."""
    if value_s >= MS_BELOW_S or value_s == 0:
        return "s", 1.0
    return ("ms", 1e3) if value_s >= US_BELOW_S else ("µs", 1e6)


def seconds(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Seconds, below a tenth as milliseconds; with a range the three have one unit.

    >>> seconds(0.0093), seconds(0.42, 0.31, 0.58), seconds(0.05, 0.04, None), seconds(12345)
    ('9.3 ms', '0.42 s (likely 0.31–0.58)', '50 ms', '12.3k s')
    >>> seconds(0.0912, 0.0476, 1.234), seconds(12345, 9876, 15432)
    ('91.2 ms (likely 48–1,200)', '12.3k s (likely 9.9k–15k)')
    """
    if value is None:
        return NONE
    unit, factor = _time_unit(value)
    text = f"{number(value * factor)} {unit}"
    if low is None or high is None:
        return text
    return f"{text}{likely(low * factor, high * factor)}"


def likely(low: float, high: float) -> str:
    """A range of a count or a rate, both ends as the greater is best read.

    >>> likely(8.11, 23.7), likely(1012.3, 1451), likely(8765, 12345)
    (' (likely 8.1–24)', ' (likely 1,000–1,500)', ' (likely 8.8k–12k)')
    """
    size, suffix = _thousands(high)
    return f" (likely {significant(low / size, 2)}{suffix}–{significant(high / size, 2)}{suffix})"


def memory(size_bytes: float | None) -> str:
    """GiB with its unit, what is small in MiB or bytes.

    >>> memory(13476831232), memory(-3 * 2**29), memory(5 * 2**20), memory(0), memory(2048)
    ('12.6 GiB', '−1.5 GiB', '5 MiB', '0 B', '2,048 B')
    """
    if size_bytes is None:
        return NONE
    if abs(size_bytes) >= GIB_BYTES / 20:
        return f"{significant(size_bytes / GIB_BYTES)} GiB"
    if abs(size_bytes) >= MIB_BYTES:
        return f"{significant(size_bytes / MIB_BYTES)} MiB"
    return f"{size_bytes:,.0f} B".replace("-", "−")


def gibibytes(value: float) -> str:
    """A size that is in GiB already.

    >>> gibibytes(12.551), gibibytes(0.0049)
    ('12.6 GiB', '5.02 MiB')
    """
    return memory(value * GIB_BYTES)


def usd(value: float | None) -> str:
    """Dollars: cents, below ten cents a tenth of one, from a thousand on none.

    >>> usd(0.0123), usd(4.35), usd(0.5), usd(1234.5)
    ('$0.012', '$4.35', '$0.50', '$1,234')
    """
    if value is None:
        return NONE
    if value >= 1000:
        return f"${value:,.0f}"
    return f"${value:.2f}" if value >= 0.1 else f"${float(f'{value:.3f}'):.3f}"


def percent(fraction: float | None) -> str:
    """A share of one in per cent.

    >>> percent(0.0876), percent(2e-6), percent(0), percent(-0.74)
    ('8.8 %', '< 0.1 %', '0 %', '−74 %')
    """
    if fraction is None:
        return NONE
    return "< 0.1 %" if 0 < fraction < 0.001 else f"{significant(fraction * 100, 2)} %"


def counted(amount: int, thing: str) -> str:
    """How many of something.

    >>> counted(1, "GPU"), counted(3, "plan")
    ('1 GPU', '3 plans')
    """
    return f"{amount:,} {thing}{'' if amount == 1 else 's'}"
