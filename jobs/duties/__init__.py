"""What the heartbeat does, one duty a file: commands for the beat's one pipeline, and what to make of the answers."""
