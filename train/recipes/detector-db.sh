#!/bin/sh
# Train DB from the shipped small CTPN: 104 minutes on one core of a server CPU with AVX2, partly shared.
#
#     train/recipes/detector-db.sh CORPUS BACKGROUNDS OUT [PAGES]
#
# First the neck and the maps alone, on what the trunk knows; then also the trunk at stride 16, which has seen no text of
# another direction yet. The convolutions to stride 8, half of a step's time, stay CTPN's.
set -eu
. "$(dirname "$0")/common.sh"
options="--method db --pages 3 --precision float32 --threads 1 --workers 1"

# shellcheck disable=SC2086 # options are several words
round 1 detector_torch 18 $options --init-trunk weights/ctpn-small.onnx \
    --freeze trunk context1 context2
round 2 detector_torch 86 $options --init "$out/1/last.safetensors" --lr 1e-3 \
    --freeze trunk.0 trunk.1 trunk.2 trunk.3 trunk.4

python -m train.export db "$out/2/last.safetensors" --out "$out/weights" --corpus "$corpus" --backgrounds "$backgrounds"
