"""`plimsoll` and `python -m app`: without arguments, or with a plan file alone, the window; else the command line.

The command line never imports Qt, and the window is imported only when it is wanted.
"""

from __future__ import annotations

import os
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
    if _no_display():  # Qt would end the process there and then
        print(
            "There is no display here for the window. Use the command line, `plimsoll plan --preset first-run` for "
            "example, or set DISPLAY or WAYLAND_DISPLAY.  [window.no_display]",
            file=sys.stderr,
        )
        return 1
    from app.shell.main import main as window

    return window(given)


def _no_display() -> bool:
    """Only where X11 or Wayland is what shows windows, and nobody chose Qt's platform by name."""
    chosen = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return sys.platform.startswith("linux") and not any(os.environ.get(name) for name in chosen)


def _is_plan_file(given: list[str]) -> bool:
    """What a file manager passes when a person opens a plan."""
    return len(given) == 1 and given[0].endswith(".json") and Path(given[0]).is_file()


if __name__ == "__main__":
    sys.exit(main())
