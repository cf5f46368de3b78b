"""Ways of reading a packed set, compared: wall clock and CPU, in the order of a training epoch.

usage: bench_read_ahead.py BUILD_DIR SET... [--rounds 15] [--threads 1,2] [--cache cold,warm] [--decode] [--memory MIB]
                           [--only WAY,...] [--json F]
Each way reads every sample of SET once and checks its XXH3-64:
  pread                 alone
  pread_ahead           and posix_fadvise(WILLNEED) for the sample 32 further on, as the loader does
  mmap, mmap_ahead      copied out of a map; with madvise(WILLNEED) 32 ahead
  mmap_ahead_in_place   the same, used where it lies
  uring                 io_uring, 32 reads in flight in all threads together, in whatever order they end
  uring_direct          the same, with O_DIRECT
--decode also decodes, crops, resizes and writes each sample, as training does. Threads take samples in turn, as the loader's do.
cold: the shards are put out of the page cache first. warm: read once by the same way first. as_is: what the way before has left,
which is meant for --memory: the reader then runs in a memory cgroup of that size (needs root), page cache included, so that a
larger SET does not fit. Ratios are to pread_ahead: medians over rounds, each in a new order, with 95% bootstrap intervals; below
one is faster or cheaper. `from disk`: bytes that the disk was asked for, by bytes wanted.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys

from paired import median_ratio

BASE = "pread_ahead"


class MemoryGroup:
    """A memory cgroup of its own, of version 2 or 1; without `mib`, none."""

    def __init__(self, mib):
        self.path = None
        if not mib:
            return
        root = pathlib.Path("/sys/fs/cgroup")
        second = (root / "cgroup.controllers").exists()
        path = (root if second else root / "memory") / f"bench-read-ahead-{os.getpid()}"
        try:
            path.mkdir()
            self.path = path
            (path / ("memory.max" if second else "memory.limit_in_bytes")).write_text(str(mib << 20))
        except OSError as error:
            self.remove()
            sys.exit(f"--memory: cannot make the cgroup {path}: {error}")

    def enter(self):
        if self.path:
            (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self):
        if self.path:
            self.path.rmdir()


class Reader:
    """The C++ side, with one set open."""

    def __init__(self, program, packed, group):
        self.process = subprocess.Popen([program, packed], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=group.enter)
        self.ways = self.answer()["ways"]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("the reader ended; it says why above")
        return json.loads(line)

    def measure(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def check_cache(cache, figures, packed):
    """What the kernel did with the request to drop pages, or had no room to keep, decides whether the figures mean anything."""
    resident = figures["resident_before"]
    if cache == "cold" and resident > 0.01:
        sys.exit(f"{packed}: {resident:.0%} of the pages stayed in the page cache; does another process map them?")
    if cache == "warm" and resident < 0.99:
        sys.exit(f"{packed}: only {resident:.0%} of the pages are in the page cache after reading them; --cache as_is for a set that does not fit")


def measure_all(options, reader, packed):
    """{(cache, threads): {way: [figures of each round]}}"""
    order = random.Random(0)
    ways = [way for way in reader.ways if not options.only or way in options.only.split(",") or way == BASE]
    cases = {(cache, threads): {way: [] for way in ways} for cache in options.cache.split(",") for threads in map(int, options.threads.split(","))}
    reader.measure(way=BASE, cache="cold", threads=1, epoch=0, decode=False)  # pages count against the group that read them first
    for i in range(options.rounds):
        for (cache, threads), rounds in cases.items():
            for way in order.sample(ways, len(ways)):
                figures = reader.measure(way=way, cache=cache, threads=threads, epoch=i, decode=options.decode)
                check_cache(cache, figures, packed)
                rounds[way].append(figures)
        print(f"{packed}: round {i + 1} of {options.rounds}", file=sys.stderr, flush=True)
    return cases


def print_case(cache, threads, rounds):
    one = rounds[BASE][0]
    print(f"\n{cache}, {threads} thread(s), {one['samples']} samples of {one['bytes'] / one['samples'] / 1e3:.0f} KB; in the page cache before: "
          f"{statistics.median(f['resident_before'] for of in rounds.values() for f in of):.0%}")
    print(f"{'':<21}{'samples/s':>10}{'CPU us/sample':>15}{'from disk':>11}   {'wall, to ' + BASE:<24}{'CPU, to ' + BASE}")
    for way, of in rounds.items():
        cells = []
        for clock in ("wall_s", "cpu_s"):
            middle, low, high = median_ratio([f[clock] for f in of], [f[clock] for f in rounds[BASE]])
            cells.append(f"{middle:.2f} ({low:.2f}-{high:.2f})")
        print(f"{way:<21}{statistics.median(f['samples'] / f['wall_s'] for f in of):>10.0f}"
              f"{statistics.median(f['cpu_s'] / f['samples'] for f in of) * 1e6:>15.0f}"
              f"{statistics.median(f['disk_bytes'] / f['bytes'] for f in of):>11.2f}   {cells[0]:<24}{cells[1]}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda text: pathlib.Path(text).absolute())
    parser.add_argument("sets", nargs="+", metavar="SET")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--cache", default="cold,warm", help="of cold, warm, as_is")
    parser.add_argument("--decode", action="store_true")
    parser.add_argument("--memory", type=int, default=0, metavar="MIB")
    parser.add_argument("--only", help="comma-separated ways; " + BASE + " is always among them")
    parser.add_argument("--json")
    options = parser.parse_args()
    figures = []
    group = MemoryGroup(options.memory)
    try:
        for packed in options.sets:
            reader = Reader(options.build / "bin/bench_read_ahead", packed, group)
            try:
                cases = measure_all(options, reader, packed)
            finally:
                reader.end()
            print(f"\n{packed}: {options.rounds} rounds" + (", decoded" if options.decode else "")
                  + (f", {options.memory} MiB of memory" if options.memory else ""))
            for (cache, threads), rounds in cases.items():
                print_case(cache, threads, rounds)
                figures.append({"set": packed, "cache": cache, "threads": threads, "decode": options.decode, "memory_mib": options.memory, "rounds": rounds})
    finally:
        group.remove()
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=1))


main()
