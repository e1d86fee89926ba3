#!/bin/sh
# Train a detector of priors from the shipped small CTPN, its trunk frozen: some 20 minutes on one core with AVX2.
#
#     METHOD=textboxes++ train/recipes/detector-priors.sh CORPUS BACKGROUNDS OUT [PAGES]
#
# METHOD is textboxes, textboxes++ or dmpnet. First the neck and the head alone; then also the context, which has seen no
# text of another direction yet. The eight convolutions of the trunk stay CTPN's.
set -eu
. "$(dirname "$0")/common.sh"
method=${METHOD:-textboxes++}
options="--method $method --pages 3 --precision float32 --threads 1 --workers 1"

# shellcheck disable=SC2086 # options are several words
round 1 detector_torch 12 $options --init-trunk weights/ctpn-small.onnx \
    --freeze trunk context1 context2
round 2 detector_torch 8 $options --init "$out/1/last.safetensors" --lr 5e-4 --freeze trunk

python -m train.export "$method" "$out/2/last.safetensors" --out "$out/weights" --corpus "$corpus" --backgrounds "$backgrounds"
