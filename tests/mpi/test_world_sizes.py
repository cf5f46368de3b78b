"""The same training on 1, 2, 3, 4 and 8 ranks, and in two halves.

usage: test_world_sizes.py FT_DIST FT_PACK SUPPORT_DIR
"""

import pathlib
import sys
import tempfile

sys.path.insert(0, sys.argv[3])
from ft_runs import Programs, metrics, relative, require_warnings  # noqa: E402

STEPS = 6


def settings(work, data, run_dir, **more):
    # 20 samples in batches of 8: the last batch of an epoch has 4, which four ranks share as one each and eight leave half of themselves without.
    base = {
        "run.dir": work / run_dir, "run.device": "cpu", "data.train": data, "data.test": data, "data.image_size": 40,
        "train.batch_size": 8, "train.threads": 1, "train.epochs": 10, "train.max_steps": STEPS, "log.every_steps": 1,
        "log.sample_ids": "true", "log.weights_sha256": "true", "checkpoint.every_epochs": 0, "data.workers": 1,
        "optimizer.lr": 1e-3, "optimizer.momentum": 0.9,
    }
    return {**base, **{key.replace("__", "."): value for key, value in more.items()}}


def check_world_sizes(programs, data):
    """batch_norm: frozen leaves nothing that depends on how a batch is cut."""
    reference = None
    for accumulate in (1, 2):
        for ranks in (0, 1, 2, 3, 4, 8):
            # The recipe's regime: with a large rate, steps amplify the last digits that another order of sums changes.
            recipe = {"model__batch_norm": "frozen", "optimizer__lr": 5e-5, "optimizer__weight_decay": 1e-3, "optimizer__momentum": 0,
                      "train__accumulate": accumulate}
            name = f"world-{ranks}-{accumulate}"
            done = programs.train(ranks, settings(programs.work, data, name, **recipe))
            assert len(done.stdout.strip().splitlines()) == 4, f"stdout is not the four closing lines:\n{done.stdout}"
            steps = metrics(programs.work / name, "step")
            assert [line["step"] for line in steps] == list(range(1, STEPS + 1))
            reference = reference or steps
            worst = max(relative(a["loss"], b["loss"]) for a, b in zip(steps, reference, strict=True))
            print(f"accumulate {accumulate}, {ranks or 'no mpirun, 1'} ranks: worst relative difference of the losses {worst:.1e}", flush=True)
            assert [line["sample_ids"] for line in steps] == [line["sample_ids"] for line in reference]
            assert worst < 1e-5
    for first, count in ((0, 8), (8, 8), (16, 4)):
        assert len(reference[first // 8]["sample_ids"]) == count
    epoch = sum((line["sample_ids"] for line in reference[:3]), [])
    assert sorted(epoch) == list(range(20)), "an epoch does not see each sample exactly once"


def check_resume(programs, data, ranks):
    """Six steps are three, a resume, and three more: to the bit, statistics and momentum included."""
    work = programs.work
    whole, halves = f"whole-{ranks}", f"halves-{ranks}"
    programs.train(ranks, settings(work, data, whole))
    programs.train(ranks, settings(work, data, halves, train__max_steps=3))
    done = programs.train(ranks, settings(work, data, halves))
    assert metrics(work / halves, "start")[-1]["resumed_from_step"] == 3
    for a, b in zip(metrics(work / whole, "step"), metrics(work / halves, "step"), strict=True):
        for key in ("step", "loss", "lr", "sample_ids", "weights_sha256"):
            assert a[key] == b[key], f"{ranks} ranks, step {a['step']}: {key} differs after a resume"
    final = [(work / name / "final.safetensors").read_bytes() for name in (whole, halves)]
    assert final[0] == final[1], f"{ranks} ranks: final.safetensors differs after a resume"
    print(f"{ranks} ranks: 3 + 3 steps give the bytes of 6")

    # A finished run says its result again and does nothing.
    again = programs.train(ranks, settings(work, data, halves))
    assert again.stdout == done.stdout, (again.stdout, done.stdout)
    # Another world size goes on from the average.
    more = 3 - ranks
    programs.train(more, settings(work, data, halves, train__max_steps=8))
    assert [line["step"] for line in metrics(work / halves, "step")] == list(range(1, 9))


def check_ranks_without_images(programs, data):
    """Four ranks and two images a step: two ranks never get any, and change nothing. Rank 0 says so, once."""
    work = programs.work
    two_images = {"train__batch_size": 2, "eval__mode": "sharded"}

    def train(ranks, name, **more):
        done = programs.train(ranks, settings(work, data, name, **{**two_images, **more}))
        idle = max(0, ranks - 2)
        require_warnings(done, [f"{idle} of {ranks} ranks get no images in any step"] if idle else [], "no images")
        return metrics(work / name, "step")

    for mode, compared in (("frozen", STEPS), ("sync", 3)):  # see test_batch_norm.py
        recipe = {"model__batch_norm": mode, "optimizer__lr": 5e-5, "optimizer__momentum": 0}
        alone, among_four = (train(ranks, f"idle-{mode}-{ranks}", **recipe) for ranks in (0, 4))
        worst = max(relative(a["loss"], b["loss"]) for a, b in list(zip(alone, among_four, strict=True))[:compared])
        print(f"batch_norm {mode}, 2 images on 4 ranks: worst relative difference of the losses {worst:.1e}", flush=True)
        assert worst < 1e-5

    # Each rank's own statistics: those of ranks that never train are no part of the average, be it exported, evaluated or resumed from.
    for steps, worlds in ((STEPS, (2, 4)), (STEPS + 2, (1, 1))):
        for ranks, name in zip(worlds, ("idle-not", "idle-two"), strict=True):
            train(ranks, name, train__max_steps=steps)
        final = [(work / name / "final.safetensors").read_bytes() for name in ("idle-not", "idle-two")]
        assert final[0] == final[1], f"final.safetensors differs after step {steps}"
        epochs = [[{key: value for key, value in line.items() if "seconds" not in key} for line in metrics(work / name, "epoch")]
                  for name in ("idle-not", "idle-two")]
        assert epochs[0] == epochs[1], epochs
    print("batch_norm local, 2 images on 4 ranks and on 2, then both on 1: the same bytes")


def check_fewer_samples_than_ranks(programs):
    tiny = programs.pack_fashion("tiny", per_class=1)
    done = programs.train(3, settings(programs.work, tiny, "tiny-set"))
    require_warnings(done, ["1 of 3 ranks get no images in any step: there are 2 training samples"], "no images")
    assert metrics(programs.work / "tiny-set", "epoch")[-1]["test_count"] == 2


def main():
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(sys.argv[1], sys.argv[2], pathlib.Path(folder))
        data = programs.pack_fashion(per_class=10)
        check_world_sizes(programs, data)
        for ranks in (1, 2):
            check_resume(programs, data, ranks)
        check_ranks_without_images(programs, data)
        check_fewer_samples_than_ranks(programs)


main()
