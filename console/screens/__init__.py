"""What an operator sees: one file for each screen."""
