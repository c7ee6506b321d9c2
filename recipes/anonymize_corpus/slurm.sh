#!/usr/bin/env bash
# sbatch recipes/anonymize_corpus/slurm.sh SOURCE TARGET
#SBATCH --job-name=anonymize
#SBATCH --array=0-15
#SBATCH --cpus-per-task=8
#SBATCH --mem=16G
#SBATCH --time=12:00:00
#SBATCH --requeue
set -euo pipefail
exec voxguard anonymize "$1" "$2" --from webdataset --keep txt --jobs "${SLURM_CPUS_PER_TASK}" \
    --shard "${SLURM_ARRAY_TASK_ID}/${SLURM_ARRAY_TASK_COUNT}"
