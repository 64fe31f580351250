"""Reading and writing the web on a user's behalf: bounded in size and time, and never towards the inside of a network."""
