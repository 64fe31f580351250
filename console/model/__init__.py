"""What the console speaks of: plain frozen data and pure functions on it. The standard library only."""
