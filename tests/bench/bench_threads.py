"""What another loader thread brings: images a second of wall time, interleaved.

usage: bench_threads.py BENCH_LOADER PACKED_SET [--threads 2] [--epochs 3] [--rounds 15] [--json F]
Each round measures, in a new order, one loader of one thread, one of N threads, and N processes of one thread each at the
same time. The last is what the machine itself allows: N threads cannot beat it, and on a machine whose cores share caches, a
memory bus or an execution unit it is below N. Ratios are medians over rounds, with their 95% bootstrap intervals.
"""

import argparse
import json
import pathlib
import random
import statistics
import subprocess

from paired import median_ratio


def start(arguments, threads):
    command = [arguments.bench_loader, arguments.packed_set, "--threads", str(threads), "--epochs", str(arguments.epochs)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def rate_of(processes):
    """Together, in images a second. They run for the same time but for a few per cent."""
    total = 0
    for process in processes:
        out, _ = process.communicate()
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(process.args)} failed")
        figures = json.loads(out)
        total += figures["images"] / figures["wall_s"]
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench_loader")
    parser.add_argument("packed_set")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    many = arguments.threads
    ways = {
        "1 thread": lambda: rate_of([start(arguments, 1)]),
        f"{many} threads": lambda: rate_of([start(arguments, many)]),
        f"{many} processes of 1 thread": lambda: rate_of([start(arguments, 1) for _ in range(many)]),
    }
    rates = {name: [] for name in ways}
    for number in range(arguments.rounds):
        for name in random.sample(list(ways), len(ways)):
            rates[name].append(ways[name]())
        print(f"round {number + 1} of {arguments.rounds}: " + ", ".join(f"{n} {r[-1]:.0f}" for n, r in rates.items()), flush=True)
    for name, measured in rates.items():
        middle, low, high = median_ratio(measured, rates["1 thread"])
        print(f"{name:28} {statistics.median(measured):8.0f} images/s   {middle:.2f}x one thread (95% {low:.2f}-{high:.2f})")
    if arguments.json:
        arguments.json.write_text(json.dumps(rates))


if __name__ == "__main__":
    main()
