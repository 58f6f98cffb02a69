"""The command line: which word calls which command, and how each may end."""

from __future__ import annotations

import os
import sys
import traceback

from harness.commands import finished, inspecting, measuring
from harness.errors import HarnessError, UsageError
from harness.options import Command, read_options
from harness.signals import interrupted

BUG = 70

COMMANDS: dict[str, Command] = {
    "run": measuring.run,
    "list": inspecting.list_,
    "check": inspecting.check,
    "data": inspecting.data,
    "probe": inspecting.probe,
    "doctor": inspecting.doctor,
    "report": finished.report,
    "explain": finished.explain,
    "pack": finished.pack,
    "reproduce": finished.reproduce,
    "compare": finished.compare,
    "export": finished.export,
    "found": finished.found,
    "gate": measuring.gate,
}


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; what the user can mend ends without a traceback."""
    try:
        options = read_options(arguments, COMMANDS)
        code: int = options.command(options)
        sys.stdout.flush()
        return code
    except HarnessError as error:
        print("error:", *str(error).splitlines(), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as error:
        return interrupted(error, ".")
    except BrokenPipeError:  # whoever read our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:  # it names the file: one whose name is too long, say
        print(f"error: {error}", file=sys.stderr)
        return UsageError.exit_code
    except Exception:  # a bug of ours, not to be taken for "regressed", which is 1
        traceback.print_exc()
        return BUG
