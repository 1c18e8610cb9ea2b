#!/bin/sh
# A few real steps of the example on the first CUDA card: what was said, and what it took. usage: gpu_check.sh VENV_BIN
# Without a card it says so and is no failure. The count of every tensor (make count) is of the CPU only.
set -eu
bin=$1
if ! "$bin/python" -c "import sys, torch; sys.exit(not torch.cuda.is_available())"; then
    echo "This PyTorch finds no CUDA card here: nothing to check."
    exit 0
fi
"$bin/plimsoll" get-example
"$bin/plimsoll" hardware
for trained in lora full; do
    "$bin/plimsoll" run --preset first-run --set placement.device=cuda:0 --set "trainable=$trained" --max-steps 10
done
