"""The demonstration: a real server, stock workers and scheduler, and a site to scrape, started and ended by one command."""
