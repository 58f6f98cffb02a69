"""The subcommands: each a thin function from its words to an exit code.

In come options as they were read, out go lines, files and the exit code. Whatever is slow to import
is imported by the command that needs it, so that every other answers at once.
"""
