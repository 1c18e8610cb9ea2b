"""One probe in a process of its own: `python -P -m planner.probe NAME [ARGUMENT]` prints one JSON object.

A driver that hangs or crashes takes this process with it, never the program. Only what a probe says leaves it. `stay`
answers again and again instead (`planner.probe.stay`).
"""

from __future__ import annotations

import importlib
import json
import sys

PROBES = {
    "host": "planner.probe.host",
    "disk": "planner.probe.disk",
    "nvidia": "planner.probe.nvidia",
    "amd": "planner.probe.amd",
    "apple": "planner.probe.apple",
}


def main(arguments: list[str]) -> int:
    """Run the probe that is named; 2 for a name that is none."""
    if arguments[:1] == ["stay"]:
        from planner.probe import stay

        return stay.main(arguments[1:])
    if not arguments or arguments[0] not in PROBES:
        print(f"probes: {', '.join(PROBES)}", file=sys.stderr)
        return 2
    module = importlib.import_module(PROBES[arguments[0]])
    print(json.dumps(module.probe(*arguments[1:])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
