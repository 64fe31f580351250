"""The job layer: every user's work is a task of its own, run by stock `rq worker` and stock `rqscheduler`."""
