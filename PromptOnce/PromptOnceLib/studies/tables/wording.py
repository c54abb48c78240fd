"""Numbers as tables, figures and pages of studies write them."""

from __future__ import annotations

from PromptOnceLib.batch.report.case_view import DASH

TIMES = "\N{MULTIPLICATION SIGN}"
RHO = "\N{GREEK SMALL LETTER RHO}"
MINUS = "\N{MINUS SIGN}"
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SMALLEST_DECIMAL = 0.001


def decimal(value: float | None, digits: int = 2) -> str:
    """With this many digits after the point; a dash for None."""
    return DASH if value is None else f"{_rounded(value, digits):.{digits}f}".replace("-", MINUS)


def signed(value: float | None, digits: int = 2) -> str:
    """With its sign: "+1.39"; a dash for None."""
    return DASH if value is None else f"{_rounded(value, digits):+.{digits}f}".replace("-", MINUS)


def between(interval: tuple[float, float] | None, digits: int = 2) -> str:
    """Both ends of an interval: "0.98 to 1.80"; a dash for None."""
    return DASH if interval is None else f"{decimal(interval[0], digits)} to {decimal(interval[1], digits)}"


def p_value(p: float | None) -> str:
    """Such as "0.498" and "4.7×10⁻¹⁹"; a dash for None."""
    if p is None:
        return DASH
    if p >= _SMALLEST_DECIMAL:
        return f"{p:.3f}"
    if p == 0.0:  # smaller than what a float64 holds
        return "below 10⁻³⁰⁰"
    mantissa, exponent = f"{p:.1e}".split("e")
    return f"{mantissa}{TIMES}10{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def _rounded(value: float, digits: int) -> float:
    """Without a zero that has a minus."""
    return round(value, digits) + 0.0
