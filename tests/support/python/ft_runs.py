"""Driving ft_pack and ft_dist from test scripts. Standard library only."""

import json
import os
import pathlib
import subprocess

FASHION_MNIST = pathlib.Path("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz")

MPI_ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_mpi_yield_when_idle": "1"}


class Programs:
    """The two programs under test, and a folder to work in."""

    def __init__(self, ft_dist, ft_pack, work):
        self.ft_dist, self.ft_pack, self.work = str(ft_dist), str(ft_pack), pathlib.Path(work)

    def pack(self, source, name, *options):
        out = self.work / name
        run([self.ft_pack, "pack", source, "--out", out, *options])
        return out

    def pack_fashion(self, name="fashion", classes="2,4", per_class=20):
        """Two classes of Fashion-MNIST that look alike."""
        return self.pack(FASHION_MNIST, name, "--classes", classes, "--limit-per-class", per_class, "--shards", 2)

    def command(self, ranks, *arguments, settings=None):
        launcher = [] if ranks == 0 else ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", ranks]
        sets = [word for key, value in (settings or {}).items() for word in ("--set", f"{key}={value}")]
        return [str(word) for word in (*launcher, self.ft_dist, *arguments, *sets)]

    def train(self, ranks, settings, expect=0):
        """ranks 0: without mpirun. Returns the finished process; fails unless its exit code is `expect`."""
        return run(self.command(ranks, "train", settings=settings), expect)


def run(command, expect=0):
    command = [str(word) for word in command]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **MPI_ENVIRONMENT}, timeout=280)
    if done.returncode != expect:
        raise AssertionError(f"exit code {done.returncode}, not {expect}: {' '.join(command)}\n{done.stdout}\n{done.stderr}")
    return done


def metrics(run_dir, kind):
    """Lines of one type; of several incarnations' lines for a step, the last."""
    lines = {}
    for text in (pathlib.Path(run_dir) / "metrics.jsonl").read_text().splitlines():
        line = json.loads(text)
        if line["type"] == kind:
            lines[line.get("step", len(lines))] = line
    return [lines[key] for key in sorted(lines)]


def require_warnings(done, expected, *about):
    """That the warnings which hold one of the words `about` are `expected`, in that order and no others."""
    lines = [line for line in done.stderr.splitlines() if " warning: " in line and any(word in line for word in about)]
    assert len(lines) == len(expected) and all(text in line for text, line in zip(expected, lines, strict=True)), f"{expected}, not:\n{done.stderr}"


def checkpoint(run_dir, step):
    """The newest checkpoint directory of that step."""
    found = sorted((pathlib.Path(run_dir) / "checkpoints").glob(f"step-{step:08}-i*"))
    assert found, f"no checkpoint of step {step} in {run_dir}"
    return found[-1]


def relative(a, b):
    return abs(a - b) / max(abs(a), abs(b), 1e-30)
