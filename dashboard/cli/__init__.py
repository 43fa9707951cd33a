"""The `plumbline` command: one file a command."""
