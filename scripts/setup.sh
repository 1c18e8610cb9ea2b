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
pip="$venv/bin/python -m pip --disable-pip-version-check"

echo "Planner and window: about 120 MB to download."
$pip install -q -c constraints.txt -e .

has_accelerator() {
    command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L >/dev/null 2>&1 && return 0
    [ -e /dev/kfd ]
}
torch=$(sed -n 's/^torch==//p' constraints.txt)
if ! $venv/bin/python -c "import torch" >/dev/null 2>&1; then
    if [ "$(uname -s)" = Linux ] && ! has_accelerator; then
        echo "No accelerator found: PyTorch's CPU build, about 190 MB, is enough."
        if $pip install -q -c constraints.txt "torch==$torch+cpu" 2>/dev/null; then
            :
        elif [ -n "$torch_index" ]; then
            $pip install -q -c constraints.txt --index-url "$torch_index" "torch==$torch"
        else
            echo "pip's own configuration offers no CPU build. Going on with the standard build, which brings CUDA: about 3 GB."
            echo "For the small one, stop now (Ctrl-C) and give the address of PyTorch's CPU index, named on its install page:"
            echo "    make run TORCH_INDEX=ADDRESS"
            sleep 5
            $pip install -c constraints.txt "torch==$torch"
        fi
    else
        echo "PyTorch for this machine: up to 3 GB with CUDA on Linux, about 100 MB on macOS."
        $pip install -c constraints.txt "torch==$torch"
    fi
fi
echo "Training libraries (transformers, PEFT, TRL, datasets): about 120 MB."
$pip install -q -c constraints.txt -e ".[$extras]"
