"""Seconds and peak memory of `mpirun -np 2 ft_dist check`, from start to end.

usage: bench_startup.py FT_DIST [--runs 9] [FT_DIST_OPTIONS...]
"""

import os
import resource
import statistics
import subprocess
import sys
import time

arguments = sys.argv[1:]
runs = 9
if "--runs" in arguments:
    at = arguments.index("--runs")
    runs = int(arguments[at + 1])
    del arguments[at : at + 2]
program, *options = arguments
environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", "2", program, "check", *options]
times = []
for _ in range(runs):
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    times.append(time.perf_counter() - start)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"{statistics.median(times):.2f} s (median of {runs}; {min(times):.2f}-{max(times):.2f}), peak {peak:.0f} MiB a rank")
