"""The `plumbline` command: one file a command.

A command is a module with ``add(subparsers)``: it adds a parser of the module's name and sets its default
``run``, a function of the parsed arguments that returns the exit code. `dashboard.cli.main` lists the command
when its module exists and imports it only when it was asked for; heavy imports belong inside ``run``.
"""
