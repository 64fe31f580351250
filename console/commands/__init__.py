"""The commands of `tq-console` that need no screen. One file a command group; COMMANDS.md is their contract."""
