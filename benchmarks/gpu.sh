#!/bin/sh
# Everything that a GPU must show, in four minutes: gpu.json and gpu.md in a folder.
#   benchmarks/gpu.sh FOLDER            # on a machine with an NVIDIA GPU
#   benchmarks/gpu.sh FOLDER --dry-run  # the same steps, tiny, on a CPU
# PYTHON names the interpreter; .venv/bin/python unless given.
set -eu
cd "$(dirname "$0")/.."
folder=$1; shift
mkdir -p "$folder"
exec timeout 240 "${PYTHON:-.venv/bin/python}" benchmarks/gpu.py --folder "$folder" "$@"
