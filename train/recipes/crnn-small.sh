#!/bin/sh
# Train the small recognizer as weights/crnn-small.onnx was trained: 18 hours on server CPUs, most of them with AMX.
#
#     train/recipes/crnn-small.sh CORPUS BACKGROUNDS OUT [PAGES]
#
# The renderer grew between the rounds; the comments say what each round was the first to see. Today every round sees
# all of it, so the result is a little better than the shipped weights at the same minutes, and never equal to them.
set -eu
. "$(dirname "$0")/common.sh"

round 1 crnn_torch 80                                                    # 7 002 steps
round 2 crnn_torch 17 --init "$out/1/best.safetensors" --lr 6e-4         # 1 992: lines cut from pages
round 3 crnn_torch 116 --init "$out/2/best.safetensors" --lr 1.2e-3      # 6 415: larger charset, bitmap fonts, leaders, slant
round 4 crnn_torch 100 --init "$out/3/best.safetensors" --lr 1.2e-3      # 9 075: shrunk screen text
round 5 crnn_torch 125 --init "$out/4/best.safetensors" --lr 1.2e-3      # 13 200: smaller screen text, scenes, both scripts, lists
round 6 crnn_torch 34 --init "$out/5/best.safetensors" --lr 8e-4         # 2 622: more Chinese signs
mix 5/best.safetensors 6/best.safetensors 0.6 6
round 7 crnn_torch 118 --init "$out/6.safetensors" --lr 8e-4             # 11 438: tightly cut lines
mix 6.safetensors 7/best.safetensors 0.65 7
round 8 crnn_torch 115 --init "$out/7.safetensors" --lr 8e-4             # 4 739: rare characters in their sentences, painted letters
mix 7.safetensors 8/best.safetensors 0.5 8
round 9 crnn_torch 96 --init "$out/8.safetensors" --lr 8e-4              # 6 412: small lines enlarged as they are cut out
mix 8.safetensors 9/best.safetensors 0.3 9

# Some 1 500 Latin and 110 Chinese faces, signs as cameras see them; on one shared core of a CPU without AMX.
hard="--bucketed --hard weights/crnn-small.onnx --freeze stem stage1 --precision float32 --threads 1 --workers 1"
round 10 crnn_torch 83 --init "$out/9.safetensors" --lr 4e-4 $hard       # 2 038
round 11 crnn_torch 16 --init "$out/10/last.safetensors" --lr 4e-4 $hard # 595
round 12 crnn_torch 67 --init "$out/11/last.safetensors" --lr 4e-4 $hard # 2 132: print as scans are
mix 10/last.safetensors 12/last.safetensors 0.5 10-12
mix 9.safetensors 10-12.safetensors 0.667 12

# 10 773 characters; no line is left out for being read; on one core of a CPU with AVX-512 and bfloat16.
round 13 crnn_torch 84 --init "$out/12.safetensors" --lr 6e-4 --bucketed --columns 8192 --freeze stem stage1 \
    --threads 1 --workers 1                                               # 13 000
mix 12.safetensors 13/last.safetensors 0.7 crnn-small
# Then the rows of `classify` of the last 1 249 characters alone, on other texts: docs/recognizer.md has how.

mkdir -p "$out/exported" "$out/weights"
cp weights/manifest.json "$out/exported"
cp weights/manifest.json "$out/weights"
python -m train.export crnn "$out/crnn-small.safetensors" --out "$out/exported" \
    --corpus "$corpus" --backgrounds "$backgrounds"
python -m train.export.confidence "$out/exported/crnn-small.onnx" --out "$out/weights" --lines 1200 \
    --corpus "$corpus" --backgrounds "$backgrounds"
