#!/bin/sh
# Fetches the embedded example if it is not there, then opens the window; without a display, runs the example here.
# usage: run.sh VENV_BIN
set -eu
bin=$1
"$bin/plimsoll" get-example
if [ "$(uname -s)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && [ -z "${QT_QPA_PLATFORM:-}" ]; then
    echo "No display here, so the example runs on the command line. With a display, make run opens the window."
    "$bin/plimsoll" plan --preset first-run
    exec "$bin/plimsoll" run --preset first-run # among the other runs, where a window finds it later
fi
exec "$bin/plimsoll"
