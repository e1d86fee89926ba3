#!/bin/sh
# Train the localizer of STN-OCR before the small recognizer, which stays as it is: 67 minutes on half a core of a CPU with AVX-512.
#
#     train/recipes/stn-ocr.sh CORPUS BACKGROUNDS OUT
#
# The shipped one had 31 minutes with scenes of grey words on rectangles before the 36 with the scenes of today.
set -eu
. "$(dirname "$0")/common.sh"

round stn-ocr spotter_torch 67 --method stn-ocr --init-reader weights/crnn-small.onnx --freeze reader \
    --precision bfloat16 --threads 1 --workers 1

# Its files hold what was added, and say where the rest is in the small one's.
mkdir -p "$out/weights"
cp weights/crnn-small.onnx weights/manifest.json "$out/weights"
python -m train.export stn-ocr "$out/stn-ocr/last.safetensors" --share small --calibrate 5 --out "$out/weights" \
    --corpus "$corpus" --backgrounds "$backgrounds"
