"""Packing against decoding: how near `ft_pack pack` comes to the rate at which each picture is merely decoded once.

usage: bench_pack.py BUILD_DIR --data FOLDER [--rounds 15] [--copies 1,4] [--workers 1,2] [--how library,training,import]
                     [--scratch DIR] [--other FT_PACK] [--json F]
FOLDER is what ft_pack packs: one folder a class. Packing is the whole process, from its start to its end, into an empty place on
the disk, flushed. Decoding is bench_decode in a process that is up and warm, with its buffers at hand, on as many threads: it
reads each file and decodes it whole, by libjpeg (library), by the decoder of training (training), or by the importer of ft_pack
(import). Files are in the page cache. In each round, all are measured once, in a new order. A ratio above 1 would mean that
packing is faster; ratios are medians over rounds with their 95% bootstrap intervals, of wall time and of CPU time (which is what
counts where others use the machine, but hides what waits for a disk).
With copies, each picture is in the set so many times, by links: what is done once a set then weighs less, and the search for
duplicates has more to report.
--scratch says on which file system the sets are made: /dev/shm has no disk to wait for. --other measures another ft_pack beside.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from paired import median_ratio


class Decoding:
    """A bench_decode that measures itself once for each line it is sent."""

    def __init__(self, options, pictures, workers, how):
        command = [options.build / "bin/bench_decode", pictures, "--threads", str(workers), "--how", how, "--on-request"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            sys.exit("bench_decode does not start")
        self.measure()  # the page cache is warm now

    def measure(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Packing:
    def __init__(self, program, pictures, workers, scratch):
        self.out = scratch / "packed"
        self.command = [program, "pack", pictures, "--out", self.out, "--workers", str(workers)]

    def measure(self):
        shutil.rmtree(self.out, ignore_errors=True)
        os.sync()  # what is flushed is this set, not the last one
        start = time.perf_counter()
        process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        if status != 0:
            sys.exit(f"{self.command} failed")
        return {"wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_kib": usage.ru_maxrss}

    def end(self):
        shutil.rmtree(self.out, ignore_errors=True)


def link_pictures(folder, out, copies):
    """Links to all files of `folder`, `copies` of each. Returns how many files there were."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in files:
        for i in range(copies):
            link = out / path.relative_to(folder).with_stem(f"{path.stem}-{i}")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    return len(files)


def measure(contenders, rounds, order):
    """{name: [one measurement a round]}"""
    figures = {name: [] for name in contenders}
    for _ in range(rounds):
        for name in order.sample(list(contenders), len(contenders)):
            figures[name].append(contenders[name].measure())
    return figures


def report(title, figures, packs):
    print(title)
    for name, rounds in figures.items():
        middle = {clock: statistics.median(one[clock] for one in rounds) for clock in ("wall_s", "cpu_s")}
        print(f"  {name:<10} {middle['wall_s']:.3f} s wall, {middle['cpu_s']:.3f} s CPU")
    ratios = {}
    for pack in packs:
        for name in figures:
            if name in packs:
                continue
            for clock in ("wall_s", "cpu_s"):
                ratio = median_ratio([one[clock] for one in figures[name]], [one[clock] for one in figures[pack]])
                ratios[f"{pack}/{name} {clock[:-2]}"] = ratio
                print(f"  {pack} at {ratio[0]:.3f} (95% {ratio[1]:.3f}-{ratio[2]:.3f}) of the rate of {name}, {clock[:-2]} time")
    sys.stdout.flush()
    return ratios


def numbers(text):
    return [int(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda text: pathlib.Path(text).absolute())
    parser.add_argument("--data", required=True, type=lambda text: pathlib.Path(text).absolute())
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--copies", type=numbers, default=[1, 4], help="how often each picture is in the set")
    parser.add_argument("--workers", type=numbers, default=[1, 2])
    parser.add_argument("--how", default="library", help="comma-separated: library, training, import")
    parser.add_argument("--scratch", help="where the sets are made; the temporary directory when not given")
    parser.add_argument("--other", type=lambda text: pathlib.Path(text).absolute(), help="another ft_pack")
    parser.add_argument("--json")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        scratch = pathlib.Path(folder)
        for copies in options.copies:
            pictures = scratch / f"pictures-{copies}"
            count = link_pictures(options.data, pictures, copies)
            for workers in options.workers:
                contenders = {how: Decoding(options, pictures, workers, how) for how in options.how.split(",")}
                packs = {"pack": options.build / "bin/ft_pack"} | ({"other": options.other} if options.other else {})
                contenders |= {name: Packing(program, pictures, workers, scratch) for name, program in packs.items()}
                figures = measure(contenders, options.rounds, random.Random(0))
                for contender in contenders.values():
                    contender.end()
                title = f"{options.data}: {count} files x {copies}, {workers} worker(s), {options.rounds} rounds"
                ratios = report(title, figures, list(packs))
                results.append({"copies": copies, "workers": workers, "files": count, "ratios": ratios, "rounds": figures})
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"data": str(options.data), "results": results}, indent=1))


main()
