"""batch_norm: sync on any number of ranks is one rank with the whole batch.

usage: test_batch_norm.py FT_DIST FT_PACK SUPPORT_DIR
"""

import pathlib
import sys
import tempfile

sys.path.insert(0, sys.argv[3])
from ft_runs import Programs, metrics, relative  # noqa: E402

STEPS = 4
COMPARED = 3  # of the six steps of check_world_sizes


def settings(programs, data, run_dir, **more):
    # 12 samples in batches of 10: the second batch of an epoch has 2, so that three and four ranks leave some without images.
    base = {
        "run.dir": programs.work / run_dir, "run.device": "cpu", "data.train": data, "data.test": data, "data.image_size": 40,
        "train.batch_size": 10, "train.threads": 1, "train.epochs": 10, "train.max_steps": STEPS, "log.every_steps": 1,
        "log.weights_sha256": "true", "data.workers": 1, "model.batch_norm": "sync", "optimizer.lr": 1e-6,
    }
    return {**base, **{key.replace("__", "."): value for key, value in more.items()}}


def check_world_sizes(programs):
    """The recipe's loss, rate and decay. 16 samples in batches of 12: every second batch has 4, which leaves half of
    eight ranks without images. From random weights, BatchNorm over few images makes more of a last digit with each step:
    what one process shows when only its memory format changes is printed too, and only steps that leave that under the
    limit can be compared."""
    data = programs.pack_fashion("sixteen", per_class=8)
    recipe = {"optimizer__lr": 5e-5, "optimizer__weight_decay": 1e-3, "train__batch_size": 12, "train__max_steps": 6, "data__test": "none",
              "checkpoint__every_epochs": 0}

    def losses(ranks, accumulate, **more):
        name = "-".join(map(str, (ranks, accumulate, *more.values())))
        programs.train(ranks, settings(programs, data, name, train__accumulate=accumulate, **{**recipe, **more}))
        return [line["loss"] for line in metrics(programs.work / name, "step")]

    apart = 0
    for accumulate in (1, 2):
        # One rank by itself has nothing to add up: that is torch's own BatchNorm, over the same micro-batches.
        reference = losses(0, accumulate)

        def differences(some, who):
            each = [relative(a, b) for a, b in zip(some, reference, strict=True)]  # noqa: B023
            print(f"accumulate {accumulate}, {who:<20} relative differences of the losses {' '.join(f'{d:.0e}' for d in each)}", flush=True)  # noqa: B023
            return max(each[:COMPARED])

        differences(losses(0, accumulate, train__channels_last="false"), "1 process, NCHW")
        for ranks in (2, 3, 4, 8):
            assert differences(losses(ranks, accumulate), f"{ranks} ranks") < 1e-5
        apart = max(apart, differences(losses(4, accumulate, model__batch_norm="local"), "4 ranks, local"))
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
        check_world_sizes(programs)
        check_micro_batches(programs, data)
        check_resume(programs, data)
        check_loss_not_finite(programs, data)


main()
