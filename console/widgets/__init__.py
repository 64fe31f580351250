"""What is drawn, piece by piece. Every text of ours passes pieces.strip() on its way to the terminal: it makes it visible."""
