#!/usr/bin/env bash
# Restores a folder by an array of Slurm jobs, each its part; sent once more, it goes on where it was cut off.
#   sbatch --array=1-16 --cpus-per-task=4 slurm.sh photos/ out/ records/
set -euo pipefail
photos=$1 out=$2 records=$3
mkdir -p "$records"
exec glmha derain "$photos" "$out" --recursive \
  --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --record "$records/$SLURM_ARRAY_TASK_ID.jsonl" --resume
