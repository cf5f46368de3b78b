"""Where samples come from and in which order: data.shuffle and data.stage, on one rank and on two.

usage: test_data_options.py FT_DIST FT_PACK SUPPORT_DIR
"""

import os
import pathlib
import sys
import tempfile

sys.path.insert(0, sys.argv[3])
from ft_runs import FASHION_MNIST, Programs, metrics  # noqa: E402

SAMPLES, BATCH, SHARDS, WINDOW = 48, 8, 8, 4
USAGE, DATA = 2, 3


class Bench:
    def __init__(self, programs):
        self.programs, self.work, self.runs = programs, programs.work, 0
        self.data = programs.pack(FASHION_MNIST, "fashion", "--classes", "2,4", "--limit-per-class", SAMPLES // 2,
                                  "--shards", SHARDS)

    def train(self, ranks, expect=0, run_dir=None, **more):
        """Returns the finished process and the run's directory."""
        self.runs += 1
        run_dir = run_dir or self.work / f"run-{self.runs}"
        settings = {
            "run.dir": run_dir, "run.device": "cpu", "data.train": self.data, "data.test": self.data,
            "data.image_size": 32, "train.batch_size": BATCH, "train.threads": 1, "train.epochs": 2,
            "log.every_steps": 1, "log.sample_ids": "true", "data.workers": 2, "model.batch_norm": "frozen",
            **{key.replace("__", "."): value for key, value in more.items()},
        }
        return self.programs.train(ranks, settings, expect), run_dir


def ids_of(run_dir):
    return [line["sample_ids"] for line in metrics(run_dir, "step")]


def check_shuffle(bench):
    _, alone = bench.train(0, data__shuffle="shard")
    _, pair = bench.train(2, data__shuffle="shard")
    _, plain = bench.train(0)
    ids = ids_of(alone)
    assert ids == ids_of(pair), "the order depends on the number of ranks"
    assert ids != ids_of(plain), "shard order is the global one"
    steps = SAMPLES // BATCH
    epochs = [sum(ids[i * steps:(i + 1) * steps], []) for i in range(2)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(SAMPLES)), "an epoch does not see each sample exactly once"
    assert epochs[0] != epochs[1]

    _, split = bench.train(0, data__shuffle="shard", data__val=0.25)
    seen = set(sum(ids_of(split), []))
    _, same_split = bench.train(0, data__val=0.25)
    assert seen == set(sum(ids_of(same_split), [])), "a validation split is another in shard order"

    done, _ = bench.train(0, expect=USAGE, run_dir=plain, data__shuffle="shard", train__epochs=3)
    assert "data.shuffle: global there, shard here" in done.stderr, done.stderr
    print("shuffle: each sample once an epoch, the same on one rank and two; a resume in another order is refused")


def check_stage(bench):
    root = bench.work / "local" / "ft"
    os.environ["FT_TEST_LOCAL"] = str(bench.work / "local")
    _, plain = bench.train(2)
    done, staged = bench.train(2, data__stage="$FT_TEST_LOCAL/ft")
    assert "copied to" in done.stderr, done.stderr
    losses = [[line["loss"] for line in metrics(run, "step")] for run in (plain, staged)]
    assert losses[0] == losses[1], "training on a copy is another training"
    assert "stage: $FT_TEST_LOCAL/ft" in (staged / "config.yaml").read_text().replace('"', "")
    assert f"train: {bench.data}" in (staged / "config.yaml").read_text()

    [copy] = [path for path in root.iterdir() if path.is_dir()]
    assert sorted(path.name for path in copy.iterdir()) == sorted(path.name for path in bench.data.iterdir())
    stamps = {path.name: path.stat().st_mtime_ns for path in copy.iterdir()}
    shard = copy / f"shard-00003-of-{SHARDS:05}.h5"
    shard.write_bytes(shard.read_bytes()[:-5])
    done, _ = bench.train(2, data__stage=root)
    changed = [path.name for path in copy.iterdir() if path.stat().st_mtime_ns != stamps[path.name]]
    assert changed == [shard.name], f"copied anew: {changed}"

    del os.environ["FT_TEST_LOCAL"]
    done, run_dir = bench.train(2, expect=USAGE, data__stage="$FT_TEST_LOCAL/ft")
    assert "the environment has no FT_TEST_LOCAL" in done.stderr and not run_dir.exists(), done.stderr
    (bench.work / "file").write_text("")
    done, _ = bench.train(2, expect=DATA, data__stage=bench.work / "file" / "ft")
    assert f"cannot create {bench.work}/file/ft" in done.stderr, done.stderr
    print("stage: copied once, used again, a damaged shard alone copied anew; errors are one rank's, codes 2 and 3")


def main():
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Programs(sys.argv[1], sys.argv[2], pathlib.Path(folder)))
        check_shuffle(bench)
        check_stage(bench)


main()
