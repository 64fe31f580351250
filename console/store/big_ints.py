"""Whole numbers of any size, told without ever being written out.

Python writes a number of n digits in a time that grows with n², and refuses to beyond 4,300 (sys.set_int_max_str_digits).
Such a number is told by its first digits and by how many there are.
"""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Context
from typing import Final

from console.model.payload import BigInt

MAX_DIGITS: Final = 600
"""Digits of a number that is kept as it is: every Python may be told to refuse 640 and more."""

HEAD: Final = 40
"""Digits that are kept of a larger one."""

_MAX_BITS: Final = 1_990
_EXACT_BITS: Final = 700_000
_LEADING_BITS: Final = 512
_DECIMAL: Final = Context(prec=HEAD + 20, Emax=MAX_EMAX, Emin=MIN_EMIN)
_ROUNDED: Final = Context(prec=HEAD, Emax=MAX_EMAX, Emin=MIN_EMIN)


def whole(value: int) -> int | BigInt:
    """`value`, or, when it has more than about MAX_DIGITS digits, what is kept of it.

    Its digits are counted exactly up to 200,000 of them; beyond, one that is as good as a power of ten may be told as that.
    """
    if value.bit_length() <= _MAX_BITS:
        return value
    sign, value = "-" if value < 0 else "", abs(value)
    dropped = max(0, value.bit_length() - _LEADING_BITS)
    product = _DECIMAL.multiply(_DECIMAL.create_decimal(value >> dropped), _DECIMAL.power(2, dropped))
    leading = _ROUNDED.plus(product)
    digits = leading.adjusted() + 1
    if value.bit_length() > _EXACT_BITS:
        return BigInt(sign + "".join(map(str, leading.as_tuple().digits)), digits)
    head = value // 10 ** (digits - HEAD)
    # Rounding may have reached the next power of ten.
    off = len(str(head)) - HEAD
    return BigInt(sign + str(head)[:HEAD], digits + off)


def written(text: str) -> int | BigInt:
    """The number that `text` writes in decimal digits, with a sign or without. Raises ValueError when it writes none."""
    if len(text) <= MAX_DIGITS:
        return int(text)
    sign = "-" if text.startswith("-") else ""
    digits = text.lstrip("+-").lstrip("0")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("it is no whole number")
    return BigInt(sign + digits[:HEAD], len(digits)) if len(digits) > MAX_DIGITS else int(sign + digits)
