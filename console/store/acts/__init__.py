"""What changes something on the server: one file for each kind of thing that it is done to. Only writer.py calls these."""
