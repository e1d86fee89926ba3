#!/bin/sh
# Train the decoder of Attention-OCR on the small recognizer: 20 minutes on one core.
#
#     train/recipes/recognizer-attention-ocr.sh CORPUS BACKGROUNDS OUT [PAGES]
#
# The recognizer is frozen, so a step costs little more than reading. The decoder is told where each character stands.
set -eu
. "$(dirname "$0")/common.sh"
small="stem stage1 stage2 stage3 collapse rnn head classify"

# shellcheck disable=SC2086 # the parts are several words
round attention-ocr recognizer_torch 20 --method attention-ocr --init weights/crnn-small.onnx --freeze $small \
    --bucketed --lr 2e-3 --precision float32 --threads 1 --workers 1

# Its file holds what was added, and says where the rest is in the small one's.
mkdir -p "$out/weights"
cp weights/crnn-small.onnx weights/manifest.json "$out/weights"
python -m train.export attention-ocr "$out/attention-ocr/last.safetensors" --share small --out "$out/weights" \
    --corpus "$corpus" --backgrounds "$backgrounds"
