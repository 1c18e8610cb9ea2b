#!/bin/sh
# Builds the environment. Says sizes before it downloads; uses pip as the person has configured it.
# usage: setup.sh PYTHON VENV TORCH_INDEX EXTRAS
set -eu
python=$1 venv=$2 torch_index=$3 extras=$4

"$python" - <<'PY' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit(f"Plimsoll needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: make run PYTHON=python3.12")
PY
if [ ! -x "$venv/bin/python" ]; then
    "$python" -m venv "$venv" || {
        echo "The venv module is missing. On Debian and Ubuntu: apt install python3-venv" >&2
        exit 1
    }
fi

install() {
    "$venv/bin/python" -m pip --disable-pip-version-check install -c constraints.txt "$@"
}
# whether PACKAGE is there in the version of constraints.txt, of whatever build
has() {
    wanted=$(sed -n "s/^$1==//p" constraints.txt)
    "$venv/bin/python" -c "from importlib.metadata import version; assert version('$1').split('+')[0] == '$wanted'" 2>/dev/null
}
has_accelerator() {
    command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L >/dev/null 2>&1 && return 0
    [ -e /dev/kfd ]
}
# 0: installed; 1: pip knows of no such build. Anything else that goes wrong is shown and ends the setup.
install_cpu_build() {
    said=$(LC_ALL=C install -q "torch==$torch+cpu" 2>&1) && return 0
    case $said in *"No matching distribution"*) return 1 ;; esac
    echo "$said" >&2
    exit 1
}

has PySide6_Essentials || echo "Planner and window: about 120 MB to download."
install -q -e .
torch=$(sed -n 's/^torch==//p' constraints.txt)
if has torch; then
    :
elif [ -n "$torch_index" ]; then
    echo "PyTorch from the index given: about 190 MB for a CPU build, up to 3 GB with CUDA."
    install -q --index-url "$torch_index" "torch==$torch"
elif [ "$(uname -s)" = Linux ] && ! has_accelerator; then
    echo "No accelerator found: PyTorch's CPU build, about 190 MB, is enough."
    if ! install_cpu_build; then
        echo "pip's own configuration offers no CPU build. Going on with the standard build, which brings CUDA: about 3 GB,"
        echo "5 GB on the disk. For the small one, stop now (Ctrl-C) and give the address of PyTorch's CPU index, named on"
        echo "its install page:"
        echo "    make run TORCH_INDEX=ADDRESS"
        sleep 5
        install "torch==$torch"
    fi
else
    echo "PyTorch for this machine: up to 3 GB with CUDA on Linux, about 100 MB on macOS."
    install "torch==$torch"
fi
has transformers || echo "Training libraries (transformers, PEFT, TRL, datasets, bitsandbytes): about 165 MB."
install -q -e ".[$extras]"
