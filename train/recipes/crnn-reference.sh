#!/bin/sh
# Train the papers' recognizers as the shipped ones were trained, with the small one for a teacher: 7 hours on a CPU.
#
#     train/recipes/crnn-reference.sh CORPUS BACKGROUNDS OUT [PAGES]
#
# The CRNN with GRUs stands on the frozen convolutions of the one with LSTMs, and both are shipped on one trunk. The
# attention of the ResNet is trained longer than the rest, which is frozen; the shipped one had further rounds of 15, 34
# and 46 minutes before it was told where characters stand (62 minutes).
set -eu
. "$(dirname "$0")/common.sh"
teacher="--teacher weights/crnn-small.onnx"

data="--out $out/weights --corpus $corpus --backgrounds $backgrounds"
lstm=$out/weights/crnn-reference.onnx

round lstm crnn_torch 103 --arch crnn $teacher                          # 5 093 steps
python -m train.export.distilled_crnn crnn "$out/lstm/last.safetensors" $data
round gru crnn_torch 38 --arch crnn-gru --keep-trunk "$lstm" $teacher   # 2 050
python -m train.export.distilled_crnn crnn "$lstm" "$out/gru/last.safetensors" $data

round densenet crnn_torch 52 --arch densenet $teacher                   # 3 561
python -m train.export densenet "$out/densenet/last.safetensors" $data

round resnet crnn_torch 70 --arch resnet-attention $teacher             # 4 066
round attention crnn_torch 157 --arch resnet-attention --lr 1.5e-3 $teacher \
    --keep-trunk "$out/resnet/last.safetensors"                         # 20 368
python -m train.export.distilled_crnn resnet "$out/attention/last.safetensors" $data
