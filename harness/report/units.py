"""Numbers into text: the one place where a report chooses digits and units.

Unknown is a dash, never 0. A number and its unit are held together by a no-break space.
"""

from __future__ import annotations

import math

from harness.judge.statistics import Interval

UNKNOWN = "\u2013"
TIMES = "\u00d7"
GAP = "\u00a0"

# Unit of a record, to the names it is printed in and how much each is worth, ascending.
_SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "s": ((1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (60.0, "min"), (3600.0, "h")),
    "bytes": tuple((1024.0**i, unit) for i, unit in enumerate(("B", "KiB", "MiB", "GiB", "TiB"))),
    "operations": tuple(
        (1000.0**i, unit)
        for i, unit in enumerate(("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP"))
    ),
}
_COUNTED = ("steps", "calls", "rounds")
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def known(value: float | None) -> bool:
    """Say whether there is a number to print."""
    return value is not None and math.isfinite(value)


def significant(value: float | None, digits: int = 3) -> str:
    """Write a number with that many significant digits, trailing zeros kept."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    exponent = _exponent(value, digits)
    if not -4 < exponent < 6:
        return scientific(value, digits)
    return _fixed(value, max(0, digits - 1 - exponent))


def scientific(value: float | None, digits: int = 2) -> str:
    """Write a number as a few digits times a power of ten."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    power = str(int(exponent)).translate(_SUPERSCRIPTS)
    return f"10{power}" if mantissa == "1" else f"{mantissa}{GAP}{TIMES}{GAP}10{power}"


def quantity(value: float | None, unit: str) -> str:
    """Write a value in the unit that leaves one to three digits before the point."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    factor, name = scale(value, unit)
    shown = value / factor
    if (name in _COUNTED or name == "B") and shown == round(shown):
        return f"{_fixed(shown, 0)}{GAP}{name}"
    return f"{significant(shown)}{GAP}{name}" if name else significant(shown)


def factors() -> dict[str, float]:
    """Return what each printed unit is worth, so that printed quantities can be compared."""
    return {name: factor for steps in _SCALES.values() for factor, name in steps}


def scale(value: float, unit: str) -> tuple[float, str]:
    """Return the factor and the name of the unit that a value is best printed in."""
    scales = _SCALES.get(unit)
    if scales is None:
        return 1.0, unit
    if value == 0:
        return next(step for step in scales if step[0] == 1)
    # 999.96 ms is printed as a second, for rounding would make four digits of it.
    rounded = max(abs(value), abs(float(f"{value:.2e}")))
    fitting = [step for step in scales if rounded >= step[0] * _least(step[1])]
    return fitting[-1] if fitting else scales[0]


def ratio(value: float | None) -> str:
    """Write how many times better."""
    return f"{significant(value)}{TIMES}" if known(value) else UNKNOWN


def ratio_interval(interval: Interval | None) -> str:
    """Write a ratio and its bounds, or a dash."""
    return UNKNOWN if interval is None else with_bounds(interval, TIMES)


def estimate(interval: Interval) -> str:
    """Write the estimate alone, as finely as with its bounds."""
    return _fixed(interval.estimate, _decimals(interval))


def with_bounds(interval: Interval | None, unit: str = "") -> str:
    """Write an estimate and its bounds, so finely that the bounds differ wherever they do.

    Where all three are one number there are no bounds to print: what it was counted or measured
    from stands in `interval.method`.
    """
    if interval is None:
        return UNKNOWN
    decimals = _decimals(interval)
    low, middle, high = (
        _fixed(value, decimals) for value in (interval.low, interval.estimate, interval.high)
    )
    if interval.low == interval.high:
        return f"{middle}{unit}"
    return f"{middle}{unit} [{low},{GAP}{high}]"


def bounds(interval: Interval) -> str:
    """Write the bounds alone, as finely as beside their estimate."""
    decimals = _decimals(interval)
    return f"[{_fixed(interval.low, decimals)},{GAP}{_fixed(interval.high, decimals)}]"


def percent(share: float | None, digits: int = 2) -> str:
    """Write a share as a percentage."""
    if share is None or not math.isfinite(share):
        return UNKNOWN
    return f"{significant(100 * share, digits)}{GAP}%"


def signed(text: str, value: float) -> str:
    """Mark what is written of a difference with a plus where it is one."""
    return f"+{text}" if value > 0 else text


def count(number: int, noun: str, plural: str = "") -> str:
    """Write a number of things: "1 pair", "2 pairs"."""
    return f"{number}{GAP}{noun if number == 1 else plural or noun + 's'}"


def _least(name: str) -> float:
    # A minute and a half reads better in seconds, and so does an hour and a half in minutes.
    return 2.0 if name in ("min", "h") else 1.0


def _decimals(interval: Interval) -> int:
    ends = (interval.low, interval.high)
    largest = max(abs(interval.estimate), *map(abs, ends))
    by_value = 2 - _exponent(largest, 3) if largest else 2
    width = interval.high - interval.low
    decimals = max(by_value, -_exponent(width / 2, 3)) if width > 0 else by_value
    most = by_value + 2
    # An end that lies beside 1 must not be printed as 1.00: that is what verdicts hang on.
    while decimals < most and any(end != 1 and round(end, decimals) == 1 for end in ends):
        decimals += 1
    return max(0, min(decimals, most))


def _exponent(value: float, digits: int) -> int:
    return int(f"{abs(value):.{digits - 1}e}".split("e")[1])


def _fixed(value: float, decimals: int) -> str:
    text = f"{value:z,.{decimals}f}"  # nothing is not less than nothing: no sign before a zero
    # Four digits are read at a glance; a space helps from five on.
    return text.replace(",", GAP if abs(value) >= 10_000 else "")
