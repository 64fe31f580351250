"""The demonstration: a real server, stock workers, a stock scheduler and a site to scrape, all started and ended by one command."""
