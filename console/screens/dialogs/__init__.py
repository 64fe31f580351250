"""What lies over the screen while something is about to be done, is being done, or was done."""
