"""Entry point of the `plumbline` command: parses words, imports the command asked for, turns errors into exit codes."""
