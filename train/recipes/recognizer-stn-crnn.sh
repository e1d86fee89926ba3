#!/bin/sh
# Train the affine spatial transformer before the small recognizer: 20 minutes on one core.
#
#     train/recipes/recognizer-stn-crnn.sh CORPUS BACKGROUNDS OUT [PAGES]
#
# The recognizer is frozen: what it reads out of bent and tilted lines teaches the transformer how to turn them.
set -eu
. "$(dirname "$0")/common.sh"
small="stem stage1 stage2 stage3 collapse rnn head classify"

# shellcheck disable=SC2086 # the parts are several words
round stn-crnn recognizer_torch 20 --method stn-crnn --init weights/crnn-small.onnx --freeze $small \
    --bucketed --lr 1e-3 --precision float32 --threads 1 --workers 1

# Its file holds what was added, and says where the rest is in the small one's.
mkdir -p "$out/weights"
cp weights/crnn-small.onnx weights/manifest.json "$out/weights"
python -m train.export stn-crnn "$out/stn-crnn/last.safetensors" --share small --out "$out/weights" \
    --corpus "$corpus" --backgrounds "$backgrounds"
