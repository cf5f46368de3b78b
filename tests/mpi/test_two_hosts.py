"""A whole training on two hosts of two ranks each, which sum in two levels: the names are all that tells hosts apart,
so two UTS namespaces on this machine are two hosts.

usage: test_two_hosts.py FT_DIST FT_PACK SUPPORT_DIR
"""

import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, sys.argv[3])
from ft_runs import Programs, metrics, relative, run  # noqa: E402

RANKS = 4
RESNET18_TWO_CLASSES = 11_177_538  # trainable parameters
# The even ranks are one host, the odd ones the other.
HOST = 'hostname "two-$((OMPI_COMM_WORLD_RANK % 2))" && exec "$@"'
ON_HOSTS = ("unshare", "--uts", "sh", "-c", HOST, "sh")


def train(programs, data, name, *, dtype, two_hosts=True, bucket_mib=8):
    settings = {
        "run.dir": programs.work / name, "run.device": "cpu", "data.train": data, "data.test": data, "data.image_size": 32,
        "data.workers": 1, "train.batch_size": 8, "train.threads": 1, "train.epochs": 10, "train.max_steps": 3, "log.every_steps": 1,
        "log.weights_sha256": "true", "checkpoint.every_epochs": 0, "model.batch_norm": "frozen", "dist.gradient_dtype": dtype,
        "dist.bucket_mib": bucket_mib,
    }
    command = programs.command(RANKS, "train", settings=settings)
    if two_hosts:
        at = command.index(programs.ft_dist)
        command[at:at] = ON_HOSTS
    said = run(command).stderr
    hosts = "2 hosts" if two_hosts else "1 host"
    assert re.search(rf"^ready.*: {RANKS} ranks on {hosts}, cpu, ", said, re.MULTILINE), said
    return metrics(programs.work / name, "step")


def hashes(steps):
    return [step["weights_sha256"] for step in steps]


def check_bytes(steps, each):
    """`each`: bytes a gradient. Buckets are padded a little."""
    for step in steps:
        assert each * RESNET18_TWO_CLASSES <= step["comm_bytes"] <= each * RESNET18_TWO_CLASSES * 1.001, (each, step)


def main():
    if subprocess.run(["unshare", "--uts", "true"], capture_output=True, check=False).returncode != 0:
        print("skipped: this user may not make UTS namespaces, which stand for the two hosts")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(sys.argv[1], sys.argv[2], pathlib.Path(folder))
        data = programs.pack_fashion(per_class=12)
        rounded = train(programs, data, "rounded", dtype="bf16")
        small_buckets = train(programs, data, "small", dtype="bf16", bucket_mib=1)
        exact = train(programs, data, "exact", dtype="fp32")
        one_host = train(programs, data, "one", dtype="bf16", two_hosts=False)

        # Half of the gradients to the neighbour and back in fp32, a half across hosts as `gradient_dtype` says.
        check_bytes(rounded, 4 + 1)
        check_bytes(small_buckets, 4 + 1)
        check_bytes(exact, 4 + 2)
        check_bytes(one_host, 2 * 3 / 4 * 2)
        assert hashes(small_buckets) == hashes(rounded), "the cut into buckets shows"
        assert len({hashes(run)[-1] for run in (rounded, exact, one_host)}) == 3, "what is rounded does not show"
        for other in (rounded, one_host):
            for a, b in zip(exact, other, strict=True):
                assert relative(a["loss"], b["loss"]) < 1e-2, (a, b)


main()
