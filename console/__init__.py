"""The console: what runs on an RQ installation, why, and what one can do about it."""
