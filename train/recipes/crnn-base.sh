#!/bin/sh
# Train base, the larger recognizer, from the small one.
#
#     train/recipes/crnn-base.sh CORPUS BACKGROUNDS OUT [PAGES [MORE_PAGES]]
#
# It reads as the small one does at first. The convolutions at H/2 and H/4, which know strokes, stay as they are, so a step
# costs a sixth less. MINUTES is the length of the run. Started again, it goes on.
set -eu
if [ $# -lt 3 ]; then
    sed -n '4s/^# *//p' "$0" >&2
    exit 2
fi
corpus=$1 backgrounds=$2 out=$3 pages=${4:-} more=${5:-}
small=weights/crnn-small.onnx
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000

"${PYTHON:-python3}" -m train.crnn_torch --arch base --run "$out" --resume --init "${INIT:-$small}" --lr "${LR:-3e-4}" \
    --corpus "$corpus" --backgrounds "$backgrounds" --time-budget "${MINUTES:-120}m" --evaluate-every 25m \
    ${pages:+--eval-data "$pages"} ${more:+--more-eval-data "$more"} \
    --bucketed --hard "$small" --freeze stem stage1 --precision "${PRECISION:-float32}" --threads 1 --workers 1
