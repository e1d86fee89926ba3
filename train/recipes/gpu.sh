#!/bin/sh
# Train base in ten minutes on a machine with one GPU and 16 cores that has nothing but this tree and PyTorch.
#
#     train/recipes/gpu.sh pack CORPUS BACKGROUNDS    here: fonts, text and photographs into .pack, beside the tree
#     train/recipes/gpu.sh train OUT                  there: OUT/base.safetensors, and the log in OUT/base
#     train/recipes/gpu.sh export OUT                 here again: OUT/weights/crnn-base.onnx
#
# What travels may hold MEBIBYTES (64): of weights/ only INIT is needed there, so leave the others out first
# (find weights -name '*.onnx' ! -name crnn-small.onnx -delete; git checkout weights brings them back).
# A trial without a GPU: DEVICE=cpu PRECISION=float32 WORKERS=1 BATCH=2048 TIME=60s train/recipes/gpu.sh train OUT
set -eu
pack=${PACK:-.pack}
init=${INIT:-weights/crnn-small.onnx}
if [ "${1:-}" != pack ] && [ -d "$pack/strokes" ]; then
    export OCR_FONTS_CACHE="$pack"  # lines by hand are drawn from these
fi
python() {
    "${PYTHON:-python3}" "$@"
}

case ${1:-} in
pack)
    limit=$((${MEBIBYTES:-64} * 1048576))
    tree=$(git ls-files -z | xargs -0 ls -l 2>/dev/null | awk '{sum += $5} END {print sum}')
    room=$(((limit - tree) / 1000000 - 1))
    if [ "$room" -lt 32 ]; then
        echo "the tree holds $tree of $limit bytes: $room MB are left for fonts, text and photographs, which need 32" >&2
        exit 1
    fi
    if [ "$room" -gt 44 ]; then room=44; fi
    rm -rf "$pack"
    python -m train.synth.pack "$pack" --corpus "$2" --backgrounds "$3" --megabytes "$room"
    ;;
train)
    out=$2
    # Ten minutes are to hold the start, which takes most of one, and the last evaluation.
    python -m train.crnn_torch --arch base --run "$out/base" --resume --init "$init" \
        --fonts "$pack"/fonts --corpus "$pack"/corpus --backgrounds "$pack"/backgrounds \
        --device "${DEVICE:-cuda}" --precision "${PRECISION:-bfloat16}" --threads 1 --workers "${WORKERS:-16}" \
        --bucketed --columns "${BATCH:-65536}" --lr "${LR:-1.2e-3}" --time-budget "${TIME:-8m}" --evaluate-every 4m
    cp "$out/base/last.safetensors" "$out/base.safetensors"
    ;;
export)
    python -m train.export crnn-base "$2/base.safetensors" --out "$2/weights" \
        --fonts "$pack"/fonts --corpus "$pack"/corpus --backgrounds "$pack"/backgrounds
    ;;
*)
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
