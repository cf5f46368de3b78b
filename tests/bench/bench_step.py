"""A training step of ft_dist against the same step in PyTorch: same threads, interleaved. And what the loader costs.

usage: bench_step.py FT_DIST [--pairs 15] [--batch 16] [--size 224] [--threads 2] [--precision bf16] [--data PACKED]
With --data: also the rate from those shards over the rate from synthetic images.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from paired import interleaved, median_ratio

parser = argparse.ArgumentParser()
parser.add_argument("ft_dist")
parser.add_argument("--pairs", type=int, default=15)
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--size", type=int, default=224)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--precision", default="bf16")
parser.add_argument("--seconds", type=float, default=5)
parser.add_argument("--data")
options = parser.parse_args()
HERE = pathlib.Path(__file__).parent


def ft_step(*source):
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        settings = {"train.batch_size": options.batch, "data.image_size": options.size, "run.device": "cpu",
                    "train.threads": options.threads, "train.precision": options.precision}
        sets = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        subprocess.run([options.ft_dist, "bench", "step", *source, "--seconds", str(options.seconds), "--json", out.name, *sets],
                       check=True, capture_output=True)
        return json.load(open(out.name))["median_s"]


def torch_step():
    done = subprocess.run([sys.executable, HERE / "torch_step.py", "--batch", str(options.batch), "--size", str(options.size),
                           "--threads", str(options.threads), "--precision", options.precision,
                           "--seconds", str(options.seconds)], check=True, capture_output=True, text=True)
    return float(done.stdout)


def report(what, a, b, unit="ms"):
    middle, low, high = median_ratio(a, b)
    print(f"{what}: {statistics.median(a) * 1e3:.1f} {unit} against {statistics.median(b) * 1e3:.1f} {unit}, "
          f"ratio {middle:.3f} (95% {low:.3f}-{high:.3f}, {len(a)} pairs)")


print(f"step of ft_dist against PyTorch: batch {options.batch}, {options.size} px, {options.precision}, {options.threads} threads")
report("ft_dist / PyTorch", *interleaved(options.pairs, lambda: ft_step("--synthetic"), torch_step))
if options.data:
    print("step from shards against synthetic images")
    report("shards / synthetic", *interleaved(options.pairs, lambda: ft_step("--data", options.data), lambda: ft_step("--synthetic")))
