"""Things going wrong on purpose, and what to expect of the program then. Standard library only."""

import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import traceback

from ft_runs import MPI_ENVIRONMENT, Programs


STARTED = []


def end_what_is_left():
    """A check that failed may have left a training that would go on for ever beside all later ones."""
    for process in STARTED:
        if process.poll() is None:
            process.terminate()  # mpirun ends its ranks
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
    STARTED.clear()


def run_checks(checks, *arguments):
    """Calls each check, goes on after a failure, and returns the exit code of the whole."""
    failed = 0
    for check in checks:
        try:
            check(*arguments)
            print(f"ok      {check.__name__}", flush=True)
        except (AssertionError, OSError, subprocess.TimeoutExpired, LookupError, ValueError):
            failed += 1
            print(f"FAILED  {check.__name__}\n{traceback.format_exc()}", flush=True)
        finally:
            end_what_is_left()
    print(f"{failed} of {len(checks)} checks failed" if failed else f"all {len(checks)} checks passed")
    return 1 if failed else 0


def run_script(namespace, prepare):
    """The whole of a script with the usage FT_DIST FT_PACK SUPPORT_DIR [CHECK...]: its functions check_*, or those that are named,
    each called with what `prepare` makes of the programs."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = prepare(Programs(sys.argv[1], sys.argv[2], pathlib.Path(folder)))
        checks = [value for name, value in namespace.items() if name.startswith("check_") and name in (sys.argv[4:] or [name])]
        assert checks, f"none of these checks is here: {sys.argv[4:]}"
        sys.exit(run_checks(checks, *arguments))


def small(data, run_dir, **more):
    """The settings of a run of a second: 32 px, batches of 8. `train__epochs=3` overrides train.epochs."""
    base = {
        "run.dir": run_dir, "run.device": "cpu", "data.train": data, "data.test": data, "data.image_size": 32,
        "data.workers": 1, "train.batch_size": 8, "train.threads": 1, "train.epochs": 2, "optimizer.lr": 1e-3,
        "optimizer.momentum": 0.9, "log.every_steps": 1, "log.tensorboard": "false",
    }
    return {**base, **{key.replace("__", "."): value for key, value in more.items()}}


def start(command, **options):
    """The program started and not waited for."""
    STARTED.append(subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                    env={**os.environ, **MPI_ENVIRONMENT}, **options))
    return STARTED[-1]


def error_line(stderr):
    """The program's one error line; fails when there is none or more than one."""
    lines = [line for line in stderr.splitlines() if "ft_dist: error:" in line]
    assert len(lines) == 1, f"{len(lines)} error lines instead of 1:\n{stderr}"
    assert re.search(r"ft_dist: error: (rank \d+ on [\w.-]+|ranks? \d[\d, ]*\([\w., -]+\)): ", lines[0]), f"no rank and host in: {lines[0]}"
    return lines[0]


def refuse(done, *patterns):
    """A finished process that failed: one error line that says all of `patterns`, and no result."""
    line = error_line(done.stderr)
    for pattern in patterns:
        assert re.search(pattern, line), f"no '{pattern}' in: {line}"
    assert done.stdout == "", f"a failed run printed a result:\n{done.stdout}"
    return line


def flip_bit(file, at):
    with open(file, "r+b") as stream:
        stream.seek(at)
        byte = stream.read(1)[0]
        stream.seek(at)
        stream.write(bytes([byte ^ 1]))


def read_safetensors(file):
    """Name -> (dtype, shape, bytes), and the metadata."""
    raw = file.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8:8 + length])
    metadata = header.pop("__metadata__", {})
    body = raw[8 + length:]
    return {name: (t["dtype"], t["shape"], body[slice(*t["data_offsets"])]) for name, t in header.items()}, metadata


def write_safetensors(file, tensors, metadata=None):
    """`tensors`: name -> (dtype, shape, bytes)."""
    header, body = {"__metadata__": metadata} if metadata else {}, b""
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return file


def leftovers(run_dir):
    """Half-written files and directories."""
    return sorted(str(path.relative_to(run_dir)) for path in run_dir.rglob("*") if ".tmp" in path.name)
