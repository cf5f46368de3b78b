"""batch_norm: sync on any number of ranks is one rank with the whole batch.

usage: test_batch_norm.py FT_DIST FT_PACK SUPPORT_DIR
"""

import pathlib
import sys
import tempfile

sys.path.insert(0, sys.argv[3])
from ft_runs import Programs, metrics, relative  # noqa: E402

STEPS = 4


def settings(programs, data, run_dir, **more):
    # 12 samples in batches of 10: the second batch of an epoch has 2, so that three and four ranks leave some without images.
    base = {
        "run.dir": programs.work / run_dir, "run.device": "cpu", "data.train": data, "data.test": data, "data.image_size": 40,
        "train.batch_size": 10, "train.threads": 1, "train.epochs": 10, "train.max_steps": STEPS, "log.every_steps": 1,
        "log.weights_sha256": "true", "data.workers": 1, "model.batch_norm": "sync", "optimizer.lr": 1e-6,
    }
    return {**base, **{key.replace("__", "."): value for key, value in more.items()}}


def check_world_sizes(programs, data):
    """Two steps of several runs, not more of one: from random weights, BatchNorm over few images makes of a last digit
    ten times as much with each step, as one process shows when only its memory format changes."""
    apart = 0
    for seed in range(3):
        def losses(ranks, batch_norm="sync"):
            name = f"{batch_norm}-{ranks}-{seed}"
            more = {"run__seed": seed, "train__max_steps": 2, "model__batch_norm": batch_norm, "eval__mode": "sharded"}
            programs.train(ranks, settings(programs, data, name, **more))
            return [line["loss"] for line in metrics(programs.work / name, "step")]

        def worst(some):
            return max(relative(a, b) for a, b in zip(some, reference, strict=True))

        # One rank by itself has nothing to add up: that is torch's own BatchNorm.
        reference = losses(0)
        for ranks in (2, 3, 4):
            difference = worst(losses(ranks))
            print(f"seed {seed}, {ranks} ranks: worst relative difference of the losses {difference:.1e}")
            assert difference < 1e-5
        apart = max(apart, worst(losses(4, "local")))
    assert apart > 1e-3, f"batch_norm: local on 4 ranks is {apart:.1e} away, so this test shows nothing"


def check_micro_batches(programs, data):
    """Parts are normalised over all ranks, one after the other; also where some ranks have none for a part."""
    programs.train(3, settings(programs, data, "parts", train__accumulate=3))
    assert len(metrics(programs.work / "parts", "step")) == STEPS


def check_resume(programs, data):
    """Statistics are the same on all ranks, so that a checkpoint keeps all of them."""
    programs.train(2, settings(programs, data, "whole"))
    programs.train(2, settings(programs, data, "halves", train__max_steps=2))
    programs.train(2, settings(programs, data, "halves"))
    final = [(programs.work / name / "final.safetensors").read_bytes() for name in ("whole", "halves")]
    assert final[0] == final[1], "final.safetensors differs after a resume"


def check_loss_not_finite(programs, data):
    """A rank whose loss overflows still takes part in what the others wait for."""
    done = programs.train(2, settings(programs, data, "diverged", optimizer__lr=1e30), expect=5)
    assert "not finite" in done.stderr or "nan" in done.stderr or "inf" in done.stderr, done.stderr


def main():
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(sys.argv[1], sys.argv[2], pathlib.Path(folder))
        data = programs.pack_fashion(per_class=6)
        check_world_sizes(programs, data)
        check_micro_batches(programs, data)
        check_resume(programs, data)
        check_loss_not_finite(programs, data)


main()
