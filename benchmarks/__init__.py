"""Speed, latency and memory: ours and peers' side by side. One thread each, set before numpy."""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
