#!/bin/sh
# Train what a further recognizer adds to the small one: 20 to 30 minutes on one core.
#
#     METHOD=rare train/recipes/recognizer-on-small.sh CORPUS BACKGROUNDS OUT [PAGES]
#
# METHOD is stn-crnn, rare, attention-ocr or attention-ocr-views. The small recognizer is frozen. What it reads out of bent and tilted lines
# teaches the affine map, and its CTC the spline, how to turn them; CTC tells a decoder where characters begin.
# The shipped Attention-OCR had 8 minutes at 5e-4; RARE 32 at 1.5e-3 and, with its decoder begun anew, 13 at 5e-4; the
# shipped attention-ocr-views is .3 of such a training and .7 of its start (train.transfer.interpolate).
set -eu
. "$(dirname "$0")/common.sh"
method=${METHOD:-rare}
case $method in
stn-crnn) minutes=20 rate=1e-3 ;;
rare) minutes=25 rate=1e-3 ;;
attention-ocr) minutes=20 rate=2e-3 ;;
attention-ocr-views) minutes=40 rate=5e-4 ;;
*)
    echo "METHOD is $method, expected stn-crnn, rare, attention-ocr or attention-ocr-views" >&2
    exit 2
    ;;
esac

round "$method" recognizer_torch "$minutes" --method "$method" --init weights/crnn-small.onnx \
    --freeze stem stage1 stage2 stage3 collapse rnn head classify \
    --bucketed --lr "$rate" --precision float32 --threads 1 --workers 1

# Its file holds what was added, and says where the rest is in the small one's.
mkdir -p "$out/weights"
cp weights/crnn-small.onnx weights/manifest.json "$out/weights"
python -m train.export "$method" "$out/$method/last.safetensors" --share small --out "$out/weights" \
    --corpus "$corpus" --backgrounds "$backgrounds"
