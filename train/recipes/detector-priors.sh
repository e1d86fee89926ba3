#!/bin/sh
# Train a detector of priors from the shipped small CTPN, its trunk frozen: some 20 minutes on one core with AVX2.
#
#     METHOD=textboxes++ train/recipes/detector-priors.sh CORPUS BACKGROUNDS OUT [PAGES]
#
# METHOD is textboxes, textboxes++ or dmpnet. The eight convolutions of the trunk stay CTPN's; the context, which has seen
# no text of another direction, learns with the neck and the head. In so few steps the rate is still rising when it
# begins to fall, hence twice the usual one.
set -eu
. "$(dirname "$0")/common.sh"
method=${METHOD:-textboxes++}

round 1 detector_torch 20 --method "$method" --init-trunk weights/ctpn-small.onnx --freeze trunk --lr 3e-3 \
    --pages 3 --precision float32 --threads 1 --workers 1

python -m train.export "$method" "$out/1/last.safetensors" --out "$out/weights" --corpus "$corpus" --backgrounds "$backgrounds"
