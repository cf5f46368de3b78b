#!/usr/bin/env python3
"""Everything that wants a real GPU, in one go: the parts (test_gpu), then trainings as a user starts them.

usage: run.py [--bin DIR]
Runs from a build (--bin build/bin) or from a bundle of launch/bundle.sh --with-tests, on a machine with an NVIDIA GPU and
nothing but PyTorch. Standard library only. Exit code 0: all passed; 77: no GPU here, nothing was run.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import traceback
import zlib

HERE = pathlib.Path(__file__).resolve().parent
parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--bin", type=pathlib.Path, default=HERE)
BIN = parser.parse_args().bin.resolve()
MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_mpi_yield_when_idle": "1"}


def run(*command, expect=0):
    command = [str(word) for word in command]
    # A bundle finds LibTorch through a Python that has torch: this one, unless it is told otherwise.
    environment = {"FT_PYTHON": sys.executable, **os.environ, **MPI}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == expect, f"exit code {done.returncode}, not {expect}: {' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done


def gpu_count():
    if not shutil.which("nvidia-smi"):
        return 0
    done = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True)
    return len(done.stdout.splitlines()) if done.returncode == 0 else 0


def write_png(file, width, height, pixel):
    rows = b"".join(b"\0" + bytes(channel for x in range(width) for channel in pixel(x, y)) for y in range(height))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")]
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks))


def make_set(work):
    """Two classes that differ in the direction of their stripes, with noise: learnt in a few steps."""
    draw = random.Random(0)
    for name, along_x in (("upright", True), ("lying", False)):
        folder = work / "pictures" / name
        folder.mkdir(parents=True)
        for i in range(48):
            period, shift = draw.randint(6, 12), draw.randint(0, 12)
            noise = bytes(draw.randrange(60) for _ in range(997))
            write_png(folder / f"{i:02}.png", 72, 72,
                      lambda x, y: (180 * (((x if along_x else y) + shift) // period % 2) + noise[(31 * x + 7 * y) % 997],) * 3)
    run(BIN / "ft_pack", "pack", work / "pictures", "--out", work / "set", "--shards", "2")
    return work / "set"


def train(work, data, name, ranks=1, **more):
    settings = {
        "run.dir": work / name, "run.device": "cuda", "data.train": data, "data.test": data, "data.image_size": 64,
        "train.batch_size": 16, "train.epochs": 3, "optimizer.lr": 5e-5, "log.every_steps": 1, "log.weights_sha256": "true",
        # Statistics that learn make a last digit grow a thousandfold in three steps.
        "model.batch_norm": "frozen",
        **{key.replace("__", "."): value for key, value in more.items()},
    }
    launcher = [BIN / "mpirun" if (BIN / "mpirun").exists() else "mpirun", "--oversubscribe", "--bind-to", "none", "-np", ranks] if ranks > 1 else []
    done = run(*launcher, BIN / "ft_dist", *[word for key, value in settings.items() for word in ("--set", f"{key}={value}")])
    lines = [json.loads(line) for line in (work / name / "metrics.jsonl").read_text().splitlines()]
    return done.stdout.splitlines(), [line for line in lines if line["type"] == "step"]


def check_parts(work, data):
    done = run(BIN / "test_gpu")
    assert "SKIPPED" not in done.stdout, f"there is a GPU, and a test did not find it:\n{done.stdout}"
    print(done.stdout.strip().splitlines()[-1])


def check_table_and_links(work, data):
    done = run(BIN / "ft_dist", "check", "--probe")
    assert ", cuda" in done.stdout and "GPU-" in done.stderr, done.stdout + done.stderr
    print(done.stderr + done.stdout)


def check_training_is_the_cpus(work, data):
    """fp32 without TF32: the first losses agree, and both learn."""
    closing, on_gpu = train(work, data, "gpu")
    _, on_cpu = train(work, data, "cpu", run__device="cpu")
    worst = max(abs(a["loss"] - b["loss"]) / b["loss"] for a, b in zip(on_gpu[:4], on_cpu[:4]))
    print(f"first four losses: worst relative difference {worst:.1e}; {closing[-1]}")
    assert closing[-1].endswith("on 1 ranks (cuda)"), closing
    assert worst < 1e-3
    assert min(step["loss"] for step in on_gpu[-3:]) < on_gpu[0]["loss"]


def check_bf16(work, data):
    closing, steps = train(work, data, "bf16", train__precision="bf16")
    _, exact = train(work, data, "fp32")
    worst = max(abs(a["loss"] - b["loss"]) / b["loss"] for a, b in zip(steps[:4], exact[:4]))
    print(f"bf16 against fp32: worst relative difference of the first losses {worst:.1e}; {closing[-1]}")
    assert worst < 0.05


def check_resume_is_bitwise(work, data):
    _, whole = train(work, data, "whole", train__deterministic="true", optimizer__momentum=0.9, model__batch_norm="local")
    train(work, data, "halves", train__deterministic="true", optimizer__momentum=0.9, model__batch_norm="local", train__max_steps=7)
    _, halves = train(work, data, "halves", train__deterministic="true", optimizer__momentum=0.9, model__batch_norm="local")
    assert [s["weights_sha256"] for s in halves] == [s["weights_sha256"] for s in whole]


def check_elastic_is_bitwise(work, data):
    """In two halves, and on as many GPUs as there are."""
    more = {"dist__elastic": 4, "model__batch_norm": "local", "train__precision": "bf16", "optimizer__momentum": 0.9}
    _, whole = train(work, data, "elastic", **more)
    train(work, data, "elastic-halves", train__max_steps=7, **more)
    _, halves = train(work, data, "elastic-halves", ranks=min(max(gpu_count(), 1), 4), **more)
    assert [s["weights_sha256"] for s in halves] == [s["weights_sha256"] for s in whole]


def check_several_gpus(work, data):
    count = min(gpu_count(), 4)
    if count < 2:
        print("one GPU: NCCL between GPUs was not run")
        return
    closing, several = train(work, data, "several", ranks=count)
    _, one = train(work, data, "one")
    worst = max(abs(a["loss"] - b["loss"]) / b["loss"] for a, b in zip(several[:4], one[:4]))
    print(f"{count} GPUs against one: {worst:.1e}; {closing[-1]}")
    assert worst < 1e-3
    _, registered = train(work, data, "registered", ranks=count, dist__register_buffers="true")
    worst = max(abs(a["loss"] - b["loss"]) / b["loss"] for a, b in zip(registered[:4], several[:4]))
    print(f"with registered memory against without: {worst:.1e}")
    assert worst < 1e-3
    _, rounded = train(work, data, "rounded", ranks=count, dist__gradient_dtype="bf16")
    worst = max(abs(a["loss"] - b["loss"]) / b["loss"] for a, b in zip(rounded[:4], several[:4]))
    print(f"gradients as bf16 against fp32: {worst:.1e}")
    assert worst < 0.05


def check_speed(work, data):
    """No threshold: figures to look at."""
    for precision in ("fp32", "tf32", "bf16"):
        done = run(BIN / "ft_dist", "bench", "step", "--synthetic", "--seconds", "5", "--set", "run.device=cuda",
                   "--set", f"train.precision={precision}", "--set", "train.batch_size=128")
        print(f"{precision}\n{done.stdout}")


def main():
    if gpu_count() == 0:
        print("SKIPPED: this machine has no NVIDIA GPU that nvidia-smi lists")
        return 77
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        data = make_set(work)
        for check in (check_parts, check_table_and_links, check_training_is_the_cpus, check_bf16, check_resume_is_bitwise,
                      check_elastic_is_bitwise, check_several_gpus, check_speed):
            try:
                check(work, data)
                print(f"ok      {check.__name__}", flush=True)
            except (AssertionError, OSError, subprocess.TimeoutExpired, LookupError, ValueError):
                failed += 1
                print(f"FAILED  {check.__name__}\n{traceback.format_exc()}", flush=True)
    print(f"{failed} checks failed" if failed else "all checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
