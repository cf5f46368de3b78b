"""eval.mode: sharded gives the numbers of rank0, on any number of ranks.

usage: test_sharded_evaluation.py FT_DIST FT_PACK SUPPORT_DIR
"""

import pathlib
import sys
import tempfile

sys.path.insert(0, sys.argv[3])
from ft_runs import Programs, metrics, run  # noqa: E402


def settings(programs, train, test, run_dir, **more):
    base = {
        "run.dir": programs.work / run_dir, "run.device": "cpu", "data.train": train, "data.test": test, "data.val": 0.4,
        "data.image_size": 40, "train.batch_size": 8, "train.threads": 1, "train.epochs": 2, "log.every_steps": 1, "data.workers": 1,
        "optimizer.lr": 1e-3,
    }
    return {**base, **{key.replace("__", "."): value for key, value in more.items()}}


def check_training(programs, train, test, ranks):
    # 210 test images are four batches: two ranks get two each, and four one each, the last a short one.
    lines = {}
    for mode in ("rank0", "sharded"):
        name = f"{mode}-{ranks}"
        programs.train(ranks, settings(programs, train, test, name, eval__mode=mode))
        lines[mode] = metrics(programs.work / name, "epoch")
        lines[mode] = [{key: value for key, value in line.items() if "seconds" not in key} for line in lines[mode]]
        assert all(line["test_count"] == 210 for line in lines[mode])
    assert lines["rank0"] == lines["sharded"], (lines["rank0"], lines["sharded"])
    best = [(programs.work / f"{mode}-{ranks}" / "best.safetensors").read_bytes() for mode in lines]
    assert best[0] == best[1], f"{ranks} ranks: best.safetensors differs"
    print(f"{ranks} ranks: {lines['sharded'][-1]['test_correct']} of 210 either way, test loss {lines['sharded'][-1]['test_loss']}")


def check_command(programs, train, test):
    """`ft_dist eval` of one file, by one rank, by three, and by six, of which two get nothing to do."""
    weights = programs.work / "rank0-2" / "final.safetensors"
    answers = []
    for ranks, mode in ((1, "rank0"), (1, "sharded"), (3, "sharded"), (6, "sharded")):
        config = settings(programs, train, test, "unused", eval__mode=mode)
        command = programs.command(ranks, "eval", "--weights", weights, "--data", test, settings=config)
        answers.append(run(command).stdout)
    assert len(set(answers)) == 1, answers


def check_damaged_sample(programs, train, test):
    """The rank that meets it says so, and all end with 3."""
    damaged = programs.work / "damaged"
    run(["cp", "-r", test, damaged])
    shard = sorted(damaged.glob("shard-*.h5"))[-1]
    data = bytearray(shard.read_bytes())
    data[-5] ^= 1
    shard.write_bytes(bytes(data))
    config = settings(programs, train, damaged, "unused", eval__mode="sharded")
    command = programs.command(3, "eval", "--weights", programs.work / "rank0-2" / "final.safetensors", "--data", damaged, settings=config)
    done = run(command, expect=3)
    assert shard.name in done.stderr, done.stderr


def main():
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(sys.argv[1], sys.argv[2], pathlib.Path(folder))
        train = programs.pack_fashion(per_class=12)
        test = programs.pack_fashion("test", per_class=105)
        for ranks in (2, 4):
            check_training(programs, train, test, ranks)
        check_command(programs, train, test)
        check_damaged_sample(programs, train, test)


main()
