#!/bin/sh
# Train RARE, thin-plate spline and attention, around the small recognizer: 25 minutes on one core.
#
#     train/recipes/recognizer-rare.sh CORPUS BACKGROUNDS OUT [PAGES]
#
# The recognizer is frozen. Its CTC teaches the spline from the first step on; attention learns where to look beside it.
set -eu
. "$(dirname "$0")/common.sh"
small="stem stage1 stage2 stage3 collapse rnn head classify"

# shellcheck disable=SC2086 # the parts are several words
round rare recognizer_torch 25 --method rare --init weights/crnn-small.onnx --freeze $small \
    --bucketed --lr 1e-3 --precision float32 --threads 1 --workers 1

# Its file holds what was added, and says where the rest is in the small one's.
mkdir -p "$out/weights"
cp weights/crnn-small.onnx weights/manifest.json "$out/weights"
python -m train.export rare "$out/rare/last.safetensors" --share small --out "$out/weights" \
    --corpus "$corpus" --backgrounds "$backgrounds"
