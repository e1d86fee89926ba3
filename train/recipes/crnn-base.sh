#!/bin/sh
# Train base, the larger recognizer, from the small one, mix it with that and export it.
#
#     train/recipes/crnn-base.sh CORPUS BACKGROUNDS OUT [PAGES [MORE_PAGES]]
#
# It reads as the small one does at first. The convolutions at H/2 and H/4, which know strokes, stay as they are, and so
# does the classifier, which both files share. MINUTES is the length of the run, 96 on one core that multiplies bfloat16
# (PRECISION=float32 is faster on others). Started again, it goes on. Between the weights before and after,
# both know more than either: ALPHA is the share of those after.
set -eu
if [ $# -lt 3 ]; then
    sed -n '4s/^# *//p' "$0" >&2
    exit 2
fi
corpus=$1 backgrounds=$2 out=$3 pages=${4:-} more=${5:-}
small=weights/crnn-small.onnx
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000

"${PYTHON:-python3}" -m train.crnn_torch --arch base --run "$out" --resume --init "${INIT:-$small}" --lr "${LR:-6e-4}" \
    --corpus "$corpus" --backgrounds "$backgrounds" --time-budget "${MINUTES:-96}m" --evaluate-every 25m \
    ${pages:+--eval-data "$pages"} ${more:+--more-eval-data "$more"} --bucketed --columns 8192 \
    --freeze stem stage1 classify --precision "${PRECISION:-bfloat16}" --threads 1 --workers 1

"${PYTHON:-python3}" -m train.transfer.interpolate "${INIT:-$small}" "$out/last.safetensors" "$out/mixed.safetensors" \
    --alpha "${ALPHA:-0.85}"
mkdir -p "$out/exported" "$out/weights"
cp weights/manifest.json "$small" weights/ctpn-small.onnx "$out/exported"
"${PYTHON:-python3}" -m train.export crnn-base "$out/mixed.safetensors" --share small --out "$out/exported" \
    --corpus "$corpus" --backgrounds "$backgrounds"
cp "$out/exported/manifest.json" "$small" weights/ctpn-small.onnx "$out/weights"
"${PYTHON:-python3}" -m train.export.confidence "$out/exported/crnn-base.onnx" --out "$out/weights" \
    --corpus "$corpus" --backgrounds "$backgrounds"
