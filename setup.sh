#!/bin/sh
# As setup-cpu.sh, for machines with an NVIDIA GPU: ONNX Runtime comes with CUDA, and where the CUDA
# toolkit is installed the NMS for a GPU is built.
set -eu
cd "$(dirname "$0")"
ONNXRUNTIME=onnxruntime-gpu sh setup-cpu.sh "$@"
# Without it everything works: the CPU suppresses a page's proposals in less than a millisecond.
if command -v nvcc >/dev/null 2>&1; then
    .venv/bin/python ctpn/nms/build_cuda.py || true
else
    echo "setup: NMS for a GPU not built, nvcc is not on the PATH" >&2
fi
