#!/bin/sh
# As setup-cpu.sh, for machines with an NVIDIA GPU: ONNX Runtime comes with CUDA.
set -eu
cd "$(dirname "$0")"
ONNXRUNTIME=onnxruntime-gpu exec sh setup-cpu.sh "$@"
