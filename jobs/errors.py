"""The errors of the job layer. Each message is one line that says what, where and what to do."""

from __future__ import annotations


class JobsError(Exception):
    """Base of every error that the job layer raises for bad input."""


class InvalidUser(JobsError):
    """A user, or a row that should be one, that the directory refuses."""


class InvalidTiers(JobsError):
    """A tiers file that cannot be used."""


class InvalidCadence(JobsError):
    """A cadence that is not one, or that never comes due."""


class InvalidSchedule(JobsError):
    """A schedule's policy that makes no sense."""


class UnknownUser(JobsError):
    """No such user in the directory."""


class UnknownTask(JobsError):
    """No task is registered under that name."""


class UnknownSchedule(JobsError):
    """The user has no schedule for that task."""


class InvalidSetting(JobsError):
    """A setting whose value cannot be used."""


class TaskError(Exception):
    """Base of the errors by which a task says what its failure means."""


class PermanentError(TaskError):
    """Trying again cannot help: the run fails at once and spends no more retries."""


class RetryAfter(TaskError):
    """Try again in `seconds`, whatever the policy's next interval is."""

    def __init__(self, seconds: float, message: str = "") -> None:
        super().__init__(message or f"asked to come back in {seconds:g} s")
        self.seconds = seconds
