"""`plimsoll` and `python -m app`: without arguments the window, with arguments the command line.

The command line never imports Qt, and the window is imported only when it is wanted.
"""

from __future__ import annotations

import sys

from app.own import foreign_package


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if said := foreign_package():
        print(said, file=sys.stderr)
        return 1
    if given:
        from app.cli.main import main as command_line

        return command_line(given)
    from app.window import main as window

    return window()


if __name__ == "__main__":
    sys.exit(main())
