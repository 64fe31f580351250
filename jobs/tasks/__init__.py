"""The tasks that come with the job layer. Importing this package registers them."""

from jobs.tasks import deliver, scrape

__all__ = ["deliver", "scrape"]
