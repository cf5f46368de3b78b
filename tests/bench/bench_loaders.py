"""Loaders compared on the same pictures: images a second of CPU time, one core, interleaved.

usage: bench_loaders.py BUILD_DIR --data FOLDER [--rounds 15] [--copies 4] [--epochs 1] [--only NAME,...] [--core N]
                        [--python P] [--json F] [--verbose]
Every contender decodes each picture, crops it at random (RandomResizedCrop(224)), flips it and writes normalised float32 in
batches of 32. FOLDER is an image folder as torchvision reads it; ft_pack packs exactly the files that torchvision takes. Each
picture is taken `copies` times: what a loader does once an epoch must not count against it because the set is small.
FFCV's JPEGs are not the files: it encodes the pictures anew at q90, which makes most smaller, with other pixels. So ours is
measured on pictures encoded anew at q90, too.
Contenders are processes pinned to one core, started and warmed up once, then measured in turn, in a new order each round; who
is not being measured is stopped. Ratios are medians over rounds, with their 95% bootstrap intervals.
"""

import argparse
import json
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import tempfile

from PIL import Image

from paired import median_ratio

HERE = pathlib.Path(__file__).absolute().parent
PEERS = {
    "torchvision_pillow": "torchvision, Pillow",
    "torchvision_tensors": "torchvision v2, tensors",
    "dali": "NVIDIA DALI, CPU",
    "ffcv_jpeg_torch": "FFCV, JPEG anew, torch Normalize",
    "ffcv_jpeg": "FFCV, JPEG anew at q90",
    "ffcv_raw_torch": "FFCV, raw 256, torch Normalize",
    "ffcv_raw": "FFCV, raw 256",
}
OURS = {  # and what to give ft_pack
    "ours": ("ft_dist, JPEG", []),
    "ours_restart": ("ft_dist, restart index", ["--restart-index"]),
    "ours_anew": ("ft_dist, JPEG anew at q90", []),
    "ours_anew_restart": ("ft_dist, anew, restart index", ["--restart-index"]),
    "ours_raw": ("ft_dist, raw 256", ["--encoding", "raw", "--max-side", "256"]),
}
RAW = {"ffcv_raw", "ffcv_raw_torch", "ours_raw"}
ANEW = {"ffcv_jpeg", "ffcv_jpeg_torch", "ours_anew", "ours_anew_restart"}


class Contender:
    """A child process that measures itself once for each line it is sent."""

    def __init__(self, name, command, core, log):
        self.name, self.rounds = name, []
        self.process = subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=log, text=True)
        self.state = self.process.stdout.readline().strip() or "missing: it ended; --verbose shows its words"
        if self.ready:
            self.process.send_signal(signal.SIGSTOP)

    @property
    def ready(self):
        return self.state == "ready"

    def measure(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        self.process.send_signal(signal.SIGSTOP)
        if not answer:
            sys.exit(f"{self.name} ended in the middle of a measurement")
        self.rounds.append(json.loads(answer))

    def end(self):
        self.process.kill()
        self.process.wait()

    def rates(self, clock):
        return [one["images"] / one[clock] for one in self.rounds]


def link_pictures(folder, out, copies):
    """Links to the files of `folder` that torchvision's ImageFolder takes, `copies` of each: the same ones for everybody."""
    extensions = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
    count = 0
    for path in sorted(pathlib.Path(folder).absolute().rglob("*")):
        if path.is_file() and path.name.lower().endswith(extensions):
            for i in range(copies):
                link = out / path.relative_to(pathlib.Path(folder).absolute()).with_stem(f"{path.stem}-{i}")
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path)
            count += 1
    return count


def encode_anew(pictures, out):
    """As FFCV does when it writes its set: quality 90, chroma halved both ways."""
    made = {}  # by the file that links lead to
    for link in sorted(pictures.rglob("*.*")):
        path = out / link.relative_to(pictures).with_suffix(".jpg")
        path.parent.mkdir(parents=True, exist_ok=True)
        if (source := link.resolve()) in made:
            path.symlink_to(made[source])
            continue
        with Image.open(source) as picture:
            picture.convert("RGB").save(path, quality=90, subsampling="4:2:0")
        made[source] = path


def pack(options, name, pictures, work):
    """The packed set, or None when this ft_pack does not know the options."""
    out = work / name
    done = subprocess.run([options.build / "bin/ft_pack", "pack", pictures, "--out", out, *OURS[name][1]], capture_output=True, text=True)
    if done.returncode == 2:
        return None
    if done.returncode:
        sys.exit(done.stderr)
    return out


def start_all(options, pictures, work, log):
    wanted = options.only.split(",") if options.only else [*PEERS, *OURS]
    contenders, missing = [], {}
    anew = work / "anew"
    if ANEW & set(OURS) & set(wanted):
        encode_anew(pictures, anew)
    for name in wanted:
        if name in OURS:
            packed = pack(options, name, anew if name in ANEW else pictures, work)
            if packed is None:
                missing[name] = "this ft_pack has no " + " ".join(OURS[name][1])
                continue
            command = [options.build / "bin/bench_loader", packed, "--epochs", options.epochs, "--on-request"]
        else:
            command = [options.python, HERE / "peer_loader.py", name, "--data", pictures, "--epochs", options.epochs, "--scratch", work]
        print(f"starting {name}", file=sys.stderr, flush=True)
        contender = Contender(name, command, options.core, log)
        if contender.ready:
            contenders.append(contender)
        else:
            contender.end()
            missing[name] = contender.state
    return contenders, missing


def measure(contenders, rounds):
    order = random.Random(0)
    for i in range(rounds):
        for contender in order.sample(contenders, len(contenders)):
            contender.measure()
        print(f"round {i + 1} of {rounds}: " + ", ".join(f"{c.name} {c.rates('cpu_s')[-1]:.0f}" for c in contenders),
              file=sys.stderr, flush=True)


def kind_of(name):
    """What may be compared as like with like."""
    return "raw" if name in RAW else "JPEG anew" if name in ANEW else "JPEG"


def ratios_of_ours(contenders):
    """{ours: {peer: (median, low, high)}} of CPU rates; the files as they are may be compared with files made anew."""
    ratios = {}
    for ours in (c for c in contenders if c.name in OURS):
        kinds = {kind_of(ours.name), "JPEG anew"} if kind_of(ours.name) == "JPEG" else {kind_of(ours.name)}
        peers = [c for c in contenders if c.name in PEERS and kind_of(c.name) in kinds]
        ratios[ours.name] = {p.name: median_ratio(ours.rates("cpu_s"), p.rates("cpu_s")) for p in peers}
    return ratios


def print_table(contenders, missing, ratios, titles):
    print(f"{'':<33}{'images/s/core (CPU)':>20}{'images/s (wall)':>18}   ratio of CPU rates, ours to it (95%)")
    for contender in sorted(contenders, key=lambda c: statistics.median(c.rates("cpu_s"))):
        cells = [f"{ours.removeprefix('ours').strip('_') or 'JPEG'} {r[0]:.2f} ({r[1]:.2f}-{r[2]:.2f})"
                 for ours, of in ratios.items() if (r := of.get(contender.name))]
        print(f"{titles[contender.name]:<33}{statistics.median(contender.rates('cpu_s')):>20.0f}"
              f"{statistics.median(contender.rates('wall_s')):>18.0f}   {'; '.join(cells)}")
    for name, why in missing.items():
        print(f"{titles[name]:<33}not measured: {why}" + ("; see tests/bench/README.md" if name in PEERS else ""))
    for ours, of in ratios.items():
        alike = {name for name in of if kind_of(name) == kind_of(ours)}
        for which, peers in (("of its kind", alike), ("of all", set(of))):
            if peers and (which == "of its kind" or peers != alike):
                fastest = min(peers, key=lambda name: of[name][0])
                middle, low, high = of[fastest]
                print(f"{titles[ours]}: {middle:.2f}x (95% {low:.2f}-{high:.2f}) the fastest peer {which}, {titles[fastest]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda text: pathlib.Path(text).absolute())
    parser.add_argument("--data", required=True)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--copies", type=int, default=4, help="how often each picture is in the set")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--only", help="comma-separated: " + ", ".join([*PEERS, *OURS]))
    parser.add_argument("--core", type=int, default=min(os.sched_getaffinity(0)))
    parser.add_argument("--python", default=sys.executable, help="of the environment that has the peers")
    parser.add_argument("--verbose", action="store_true", help="what the contenders say on stderr")
    parser.add_argument("--json")
    options = parser.parse_args()
    titles = {**PEERS, **{name: title for name, (title, _) in OURS.items()}}
    log = None if options.verbose else subprocess.DEVNULL
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        pictures = work / "pictures"
        count = link_pictures(options.data, pictures, options.copies)
        contenders, missing = start_all(options, pictures, work, log)
        try:
            measure(contenders, options.rounds)
        finally:
            for contender in contenders:
                contender.end()
    ratios = ratios_of_ours(contenders)
    print(f"{options.data}: {count} pictures x {options.copies}, {options.rounds} rounds of {options.epochs} epoch(s), core {options.core}")
    print_table(contenders, missing, ratios, titles)
    if options.json:
        figures = {"data": options.data, "pictures": count, "copies": options.copies, "ratios": ratios, "missing": missing,
                   "rounds": {c.name: c.rounds for c in contenders}}
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=1))


main()
