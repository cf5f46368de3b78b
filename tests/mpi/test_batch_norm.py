"""batch_norm: sync on any number of ranks is one rank with the whole batch.

usage: test_batch_norm.py FT_DIST FT_PACK SUPPORT_DIR
"""

import pathlib
import sys
import tempfile

sys.path.insert(0, sys.argv[3])
from ft_runs import Programs, metrics, relative  # noqa: E402

STEPS = 6


def settings(programs, data, run_dir, **more):
    # 20 samples in batches of 9: the last batch of an epoch has 2, so that three and four ranks leave some without images.
    base = {
        "run.dir": programs.work / run_dir, "run.device": "cpu", "data.train": data, "data.test": data, "data.image_size": 40,
        "train.batch_size": 9, "train.threads": 1, "train.epochs": 10, "train.max_steps": STEPS, "log.every_steps": 1,
        "log.weights_sha256": "true", "data.workers": 1, "model.batch_norm": "sync",
    }
    return {**base, **{key.replace("__", "."): value for key, value in more.items()}}


def check_world_sizes(programs, data):
    # One rank by itself has nothing to add up: that is torch's own BatchNorm.
    programs.train(0, settings(programs, data, "alone"))
    reference = metrics(programs.work / "alone", "step")
    for ranks in (1, 2, 3, 4):
        programs.train(ranks, settings(programs, data, f"world-{ranks}"))
        steps = metrics(programs.work / f"world-{ranks}", "step")
        worst = max(relative(a["loss"], b["loss"]) for a, b in zip(steps, reference, strict=True))
        print(f"{ranks} ranks: worst relative difference of the losses {worst:.1e}")
        assert worst < 1e-5
    local = settings(programs, data, "local", model__batch_norm="local")
    programs.train(4, local)
    apart = max(relative(a["loss"], b["loss"]) for a, b in zip(metrics(programs.work / "local", "step"), reference, strict=True))
    assert apart > 1e-3, f"batch_norm: local on 4 ranks is {apart:.1e} away, so this test shows nothing"


def check_micro_batches(programs, data):
    """Parts are normalised over all ranks, one after the other; also where some ranks have none for a part."""
    programs.train(3, settings(programs, data, "parts", train__accumulate=3))
    assert len(metrics(programs.work / "parts", "step")) == STEPS


def check_resume(programs, data):
    """Statistics are the same on all ranks, so that a checkpoint keeps all of them."""
    programs.train(2, settings(programs, data, "whole"))
    programs.train(2, settings(programs, data, "halves", train__max_steps=3))
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
        data = programs.pack_fashion(per_class=10)
        check_world_sizes(programs, data)
        check_micro_batches(programs, data)
        check_resume(programs, data)
        check_loss_not_finite(programs, data)


main()
