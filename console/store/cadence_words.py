"""Cadences in words: those of users' schedules, of plain entries and of `rq cron`."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import Final

import humanize

from jobs.cadence import Cadence, Cron, Every
from jobs.schedules import Schedule

MAX_SECONDS: Final = 100 * 366 * 86_400
"""A longer period is told as one that never ends, whatever its number."""

_FIVE_FIELDS: Final = re.compile(r"[0-9A-Za-z*,/#?-]{1,40}(?: +[0-9A-Za-z*,/#?-]{1,40}){4}")


def cadence_in_words(schedule: Schedule) -> str:
    """When the schedule is due: "every hour, at :17", "at 09:00, Europe/Rome", "every 6 hours, from 02:17 UTC"."""
    words = _words(schedule.cadence)
    return f"{words}, up to {schedule.jitter} s later" if schedule.jitter else words


@lru_cache(maxsize=1024)
def period_in_words(seconds: float) -> str:
    """A period: "every hour", "every 90 seconds", "every 2 days and 3 hours"; empty for what is none: 0, less, or no number."""
    if not seconds > 0:
        return ""
    if seconds > MAX_SECONDS:
        return "every 100 years or more"
    length = humanize.precisedelta(timedelta(seconds=seconds), suppress=["months", "years"], format="%d")
    return f"every {length.removeprefix('1 ') if ' and ' not in length and ',' not in length else length}"


@lru_cache(maxsize=1024)
def cron_in_words(expression: str) -> str:
    """A cron expression: "at 09:00"; "cron <expression>" where it has not five fields, whose meaning all programs share."""
    if not _FIVE_FIELDS.fullmatch(expression):
        return f"cron {expression}"
    # It takes as long to import as a tenth of the console, and few screens need it.
    from cron_descriptor import FormatError, MissingFieldError, Options, WrongArgumentError, get_description

    options = Options()
    options.use_24hour_time_format = True
    options.locale_code = "en_US"
    try:
        words = str(get_description(expression, options))
    except (FormatError, MissingFieldError, WrongArgumentError, ValueError, LookupError):
        return f"cron {expression}"
    return words[:1].lower() + words[1:]


@lru_cache(maxsize=1024)
def _words(cadence: Cadence) -> str:
    if isinstance(cadence, Cron):
        return f"{cron_in_words(cadence.expression)}, {cadence.zone}"
    return period_in_words(cadence.period) + _start(cadence)


def _start(cadence: Every) -> str:
    """Where in the hour or the day the slots of a period that divides it lie; "" for any other period."""
    minutes, seconds = divmod(cadence.offset, 60)
    hours, minutes = divmod(minutes, 60)
    rest = f"{minutes:02}:{seconds:02}" if seconds else f"{minutes:02}"
    if 3_600 % cadence.period == 0 and cadence.period >= 60:
        return f", {'at' if cadence.period == 3_600 else 'from'} :{rest}"
    if 86_400 % cadence.period == 0 and cadence.period > 3_600:
        return f", {'at' if cadence.period == 86_400 else 'from'} {hours:02}:{rest} UTC"
    return ""
