"""A training step of ft_dist on two ranks against PyTorch DDP over gloo: same cores, interleaved.

usage: bench_ddp.py FT_DIST [--pairs 15] [--sizes 64,224] [--batch 16] [--precision bf16] [--seconds 3] [--gradients fp32,bf16]
                    [--bucket-mib N] [--hosts CLUSTER --shape 1gbit] [--json FILE]
Ratios are ft_dist's seconds over DDP's: below 1, ft_dist is faster. `--gradients bf16` measures ft_dist with `dist.gradient_dtype: bf16`, and DDP with its
bf16_compress_hook as one more contender (`ddp_bf16`; left out where gloo refuses).
With --hosts, CLUSTER is tests/cluster/cluster, which must be up with this directory and the virtual environment visible to its nodes: one rank on each
of n0 and n1, cables limited to --shape (or `off`) meanwhile.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

from paired import median_ratio

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = sys.executable
FIRST_PORT = 29600

parser = argparse.ArgumentParser()
parser.add_argument("ft_dist")
parser.add_argument("--pairs", type=int, default=15)
parser.add_argument("--sizes", default="64,224")
parser.add_argument("--batch", type=int, default=16, help="images a rank")
parser.add_argument("--precision", default="bf16")
parser.add_argument("--seconds", type=float, default=3, help="of steps, for each contender of each pair")
parser.add_argument("--gradients", default="fp32", help="fp32, bf16 or both: what ft_dist sends")
parser.add_argument("--bucket-mib", type=int, default=0, help="dist.bucket_mib; 0: the default")
parser.add_argument("--hosts", metavar="CLUSTER")
parser.add_argument("--shape", default="1gbit", help="with --hosts")
parser.add_argument("--json", type=pathlib.Path)
options = parser.parse_args()
GRADIENTS = options.gradients.split(",")


def launcher():
    words = ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", "2"]
    if options.hosts:
        words = [options.hosts, "run", *words, "--host", "n0:1,n1:1", "-x", "GLOO_SOCKET_IFNAME=eth0"]
    return words


def last_json(words):
    environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, env=environment, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout[done.stdout.index("{"):done.stdout.rindex("}") + 1])


def ft_step(size, gradients):
    settings = {"train.batch_size": 2 * options.batch, "data.image_size": size, "run.device": "cpu", "train.threads": 1,
                "train.precision": options.precision, "dist.gradient_dtype": gradients}
    if options.bucket_mib:
        settings["dist.bucket_mib"] = options.bucket_mib
    sets = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    return last_json([*launcher(), pathlib.Path(options.ft_dist).resolve(), "bench", "step", "--synthetic",
                      "--seconds", options.seconds, "--json", "/dev/stdout", *sets])


def ddp_step(size, hook, port=[FIRST_PORT]):
    port[0] += 1  # the last one may still be in TIME_WAIT
    return last_json([*launcher(), PYTHON, HERE / "ddp_step.py", "--master", "n0" if options.hosts else "127.0.0.1",
                      "--port", port[0], "--batch", options.batch, "--size", size, "--precision", options.precision,
                      "--seconds", options.seconds, "--hook", hook])


def contenders(size):
    these = {f"ft_dist {gradients}": lambda g=gradients: ft_step(size, g) for gradients in GRADIENTS}
    these["ddp"] = lambda: ddp_step(size, "none")
    if "bf16" in GRADIENTS:
        try:
            ddp_step(size, "bf16")
            these["ddp bf16"] = lambda: ddp_step(size, "bf16")
        except RuntimeError as error:
            print(f"  DDP's bf16 hook: not over gloo ({str(error).strip().splitlines()[-1]})")
    return these


def measure(size):
    print(f"{size} px, batch {options.batch} a rank, {options.precision} compute, one thread a rank, "
          f"{'two hosts at ' + options.shape if options.hosts else 'one host'}; load {os.getloadavg()[0]:.1f}", flush=True)
    these = contenders(size)
    seconds, hidden = {name: [] for name in these}, {name: [] for name in these}
    begin = time.monotonic()
    for i in range(options.pairs):
        names = list(these)
        for name in names[i % len(names):] + names[:i % len(names)]:  # each is first in turn
            figures = these[name]()
            seconds[name].append(figures["median_s"])
            if "comm_hidden" in figures:
                hidden[name].append(figures["comm_hidden"])
        print(f"  round {i + 1} of {options.pairs}, {time.monotonic() - begin:.0f} s: "
              + ", ".join(f"{name} {values[-1]:.3f}" for name, values in seconds.items()), flush=True)
    result = {"size": size, "seconds": seconds, "hidden": hidden, "ratios": {}}
    for name, values in seconds.items():
        share = f", {statistics.median(hidden[name]) * 100:.0f}% hidden" if hidden[name] else ""
        print(f"  {name}: {statistics.median(values) * 1e3:.1f} ms a step (median of {len(values)}){share}")
    for name in seconds:
        for peer in ("ddp", "ddp bf16"):
            if name.startswith("ft_dist") and peer in seconds:
                middle, low, high = median_ratio(seconds[name], seconds[peer])
                result["ratios"][f"{name} / {peer}"] = [middle, low, high]
                print(f"  {name} / {peer}: {middle:.3f} (95% {low:.3f}-{high:.3f}, {options.pairs} pairs)", flush=True)
    return result


def main():
    if options.hosts:
        subprocess.run([options.hosts, "shape", options.shape], check=True)
    try:
        results = [measure(int(size)) for size in options.sizes.split(",")]
    finally:
        if options.hosts:
            subprocess.run([options.hosts, "shape", "off"], check=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


main()
