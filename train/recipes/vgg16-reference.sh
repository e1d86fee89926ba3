#!/bin/sh
# Train the papers' detector and angle model, on one VGG-16, as the shipped ones were trained: 3 hours on a CPU.
#
#     train/recipes/vgg16-reference.sh CORPUS BACKGROUNDS OUT [PAGES]
#
# They start as the small networks in weights/ (Net2Net). Hmean on 8 rendered pages at the end: 0.979; 95.3 % of the
# turns of other ones. The second round had a later small detector for a teacher.
set -eu
. "$(dirname "$0")/common.sh"

round 1 shared_vgg16_torch 68 --small-detector weights/ctpn-small.onnx \
    --small-angle weights/angle-small.onnx       # 1 089 steps of 4 crops and 7 patches in four turns
round 2 shared_vgg16_torch 95 --init "$out/1/last.safetensors" --lr 1e-4 \
    --small-detector weights/ctpn-small.onnx     # 640 steps, on a CPU of half the speed

python -m train.export.vgg16 "$out/2/last.safetensors" --temperature 1.8 --out "$out/weights" \
    --corpus "$corpus" --backgrounds "$backgrounds"
