#!/bin/sh
# Fetches the embedded example if it is not there, then opens the window; without a display, runs the example here.
# usage: run.sh VENV_BIN
set -eu
bin=$1
"$bin/plimsoll" get-example
if [ "$(uname -s)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && [ "${QT_QPA_PLATFORM:-}" != offscreen ]; then
    echo "No display here, so the example runs on the command line. With a display, make run opens the window."
    out="runs/first-run-$(date +%Y%m%d-%H%M%S)"
    "$bin/plimsoll" plan --preset first-run
    exec "$bin/plimsoll" run --preset first-run --out "$out"
fi
exec "$bin/plimsoll"
