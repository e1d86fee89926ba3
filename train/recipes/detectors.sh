#!/bin/sh
# Train the methods of `detection` on the shipped small CTPN's trunk: 95 minutes of one core for all ten.
#
#     train/recipes/detectors.sh CORPUS BACKGROUNDS OUT [PAGES]
#
# Trunk and context stay CTPN's, so each file holds a neck and heads alone, and says where the rest is. One of them
# goes on alone with `train.detector_torch --resume --run OUT/all/NAME`.
set -eu
. "$(dirname "$0")/common.sh"

round all detectors_torch 95 --init-trunk weights/ctpn-small.onnx --lr 2.5e-3 --pages 3 \
    --precision float32 --threads 1 --workers 1

mkdir -p "$out/exported" "$out/weights"
cp weights/ctpn-small.onnx weights/manifest.json "$out/exported"
for method in db dmpnet east ftsn pixellink rrpn seglink textboxes textboxes++ wordsup; do
    file=$(echo "$method" | sed 's/++/-plus/')
    python -m train.export "$method" "$out/all/$file/last.safetensors" --share small --calibrate 10 \
        --out "$out/exported" --corpus "$corpus" --backgrounds "$backgrounds"
done

# What is probable enough differs from method to method and with the time of training.
cp "$out/exported/ctpn-small.onnx" "$out/exported/manifest.json" "$out/weights"
for method in db dmpnet east ftsn pixellink rrpn seglink textboxes textboxes++ wordsup; do
    file=$(echo "$method" | sed 's/++/-plus/')
    python -m train.export.thresholds "$method" "$out/exported/$file.onnx" --out "$out/weights" --pages 20 \
        --corpus "$corpus" --backgrounds "$backgrounds"
done
