"""`plimsoll` and `python -m app`: without arguments, or with a plan file alone, the window; else the command line.

The command line never imports Qt, and the window is imported only when it is wanted.
"""

from __future__ import annotations

import sys
from pathlib import Path

from app.own import foreign_package


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if said := foreign_package():
        print(said, file=sys.stderr)
        return 1
    if given and not _is_plan_file(given):
        from app.cli.main import main as command_line

        return command_line(given)
    from app.window import main as window

    return window(given)


def _is_plan_file(given: list[str]) -> bool:
    """What a file manager passes when a person opens a plan."""
    return len(given) == 1 and given[0].endswith(".json") and Path(given[0]).is_file()


if __name__ == "__main__":
    sys.exit(main())
