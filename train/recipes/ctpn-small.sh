#!/bin/sh
# Train the small detector as weights/ctpn-small.onnx was trained: 8 hours on two cores of a server CPU with AMX.
#
#     train/recipes/ctpn-small.sh CORPUS BACKGROUNDS OUT [PAGES]
#
# The renderer grew between the rounds; the comments say what each round was the first to see. Today every round sees
# all of it. Hmean on 24 rendered pages at the end of the last round: 0.857.
set -eu
. "$(dirname "$0")/common.sh"

round 1 ctpn_torch 68                                                # 2 728 steps of 12 crops
round 2 ctpn_torch 88 --init "$out/1/best.safetensors" --lr 1e-3     # 4 317: halls of signs, contents pages
round 3 ctpn_torch 105 --init "$out/2/best.safetensors" --lr 1.2e-3  # 5 665: more streets
round 4 ctpn_torch 31 --init "$out/3/best.safetensors" --lr 8e-4     # 1 190
mix 3/best.safetensors 4/best.safetensors 0.5 4
round 5 ctpn_torch 81 --init "$out/4.safetensors" --lr 1e-3          # 2 631: shop fronts, shop pictures
round 6 ctpn_torch 80 --init "$out/5/best.safetensors" --lr 1e-3     # 3 921: vertical writing
mix 5/best.safetensors 6/best.safetensors 0.8 ctpn-small

python -m train.export ctpn "$out/ctpn-small.safetensors" --out "$out/weights" \
    --corpus "$corpus" --backgrounds "$backgrounds"
