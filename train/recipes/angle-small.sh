#!/bin/sh
# Train the small angle model as weights/angle-small.onnx was trained: 3 hours on two cores of a server CPU with AMX.
#
#     train/recipes/angle-small.sh CORPUS BACKGROUNDS OUT [PAGES]
#
# The renderer grew between the rounds; the comments say what each round was the first to see. Today every round sees
# all of it. Turns told right on held-out rendered pages at the end of the last round: 97.5 %.
set -eu
. "$(dirname "$0")/common.sh"

round 1 angle_torch 70                                             # 3 136 steps of 3 pages in four turns
round 2 angle_torch 60 --init "$out/1/best.safetensors"            # 3 450: patches along lines, more streets
round 3 angle_torch 28 --init "$out/2/best.safetensors" --lr 5e-4  # 1 092: a fifth of the pages in vertical writing
mix 2/best.safetensors 3/best.safetensors 0.4 angle-small

python -m train.export angle "$out/angle-small.safetensors" --temperature 1.3 --out "$out/weights" \
    --corpus "$corpus" --backgrounds "$backgrounds"
