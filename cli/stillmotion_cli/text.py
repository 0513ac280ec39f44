"""Values as a person reads them."""

from datetime import datetime
from decimal import Decimal

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
KILO = 1000


def clean(text: str) -> str:
    """Text from elsewhere without control characters: a prompt or a vendor's message must not steer the terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)


def shortened(text: str, length: int) -> str:
    """One line of at most `length` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def seconds(value: float) -> str:
    """A stretch of time: `4.2 s`, `75 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = max(0, int(value))
    if value < 10:  # noqa: PLR2004 - where a tenth of a second stops to matter
        return f"{max(0.0, value):.1f} s"
    if whole < 2 * MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def age(value: float) -> str:
    """How long ago, in the largest unit: `12 s`, `4 min`, `2 h`, `3 d`."""
    for length, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if value >= length:
            return f"{int(value // length)} {unit}"
    return f"{max(0, int(value))} s"


def size(count: int) -> str:
    """Bytes in decimal units: `812 B`, `3.2 MB`."""
    if count < KILO:
        return f"{count} B"
    for power, unit in ((3, "GB"), (2, "MB")):
        if count >= KILO**power:
            return f"{count / KILO**power:.1f} {unit}"
    return f"{count / KILO:.1f} kB"


def dollars(amount: Decimal) -> str:
    """US dollars with at least two decimals."""
    plain = f"{amount.normalize():f}"
    decimals = len(plain.partition(".")[2])
    return f"${amount:.2f}" if decimals < 2 else f"${plain}"  # noqa: PLR2004 - cents


def moment(at: datetime) -> str:
    """A moment on this machine's clock, to the second, with its zone."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
