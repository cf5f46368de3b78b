"""dist.elastic: the same weights, bit by bit, on any number of ranks, and when that number changes in between.

usage: test_elastic.py FT_DIST FT_PACK SUPPORT_DIR
"""

import os
import pathlib
import signal
import sys
import tempfile
import time

sys.path.insert(0, sys.argv[3])
from ft_faults import refuse, start  # noqa: E402
from ft_runs import Programs, metrics, relative, require_warnings  # noqa: E402

PARTS = 8
STEPS = 20
STOPPED = 75
PATIENCE_S = 120


def settings(programs, data, run_dir, **more):
    # 22 samples in batches of 10: parts of two images and of one, and in each epoch's last batch six parts without any.
    base = {
        "run.dir": programs.work / run_dir, "run.device": "cpu", "data.train": data, "data.test": data, "data.image_size": 40,
        "data.workers": 1, "train.batch_size": 10, "train.epochs": 50, "train.max_steps": STEPS, "train.clip_norm": 20,
        "optimizer.lr": 1e-3, "optimizer.momentum": 0.9, "dist.elastic": PARTS, "dist.bucket_mib": 4,
        "checkpoint.every_epochs": 0, "eval.every_epochs": 1000, "log.every_steps": 1, "log.weights_sha256": "true",
        "log.tensorboard": "false",
    }
    return {**base, **{key.replace("__", "."): value for key, value in more.items()}}


def what_must_agree(run_dir):
    """Of each step; the weights' hash is over parameters and running statistics."""
    return [(line["step"], line["weights_sha256"], line["loss"], line["lr"]) for line in metrics(run_dir, "step")]


def print_table(columns):
    print("step  " + "  ".join(f"{name:>12}" for name in columns))
    for row in zip(*columns.values(), strict=True):
        print(f"{row[0][0]:4}  " + "  ".join(f"{sha[:12]}" for _, sha, _, _ in row))


def require_equal(columns):
    reference = next(iter(columns.values()))
    for name, column in columns.items():
        assert column == reference, f"{name} differs first at step {next(a[0] for a, b in zip(column, reference) if a != b)}"


def wait_for_step(process, run_dir, step):
    """Until a line of that step or a later one is there; gives rank 0's process id."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        assert process.poll() is None, f"it ended before step {step}: {process.communicate()}"
        assert time.monotonic() < deadline, f"no step {step} after {PATIENCE_S} s"
        try:
            if metrics(run_dir, "step")[-1]["step"] >= step:
                return metrics(run_dir, "start")[-1]["pid"]
        except (OSError, IndexError, ValueError):  # not there yet, or a line that is being written
            pass
        time.sleep(0.02)


def run_rescaled(programs, data):
    """Four ranks until one is killed, two until they are asked to stop, three to the end."""
    wanted = settings(programs, data, "rescaled", checkpoint__every_steps=3)
    process = start(programs.command(4, "train", settings=wanted))
    os.kill(wait_for_step(process, wanted["run.dir"], 7), signal.SIGKILL)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode not in (0, STOPPED), process.returncode

    process = start(programs.command(2, "train", settings=wanted))
    wait_for_step(process, wanted["run.dir"], 12)
    process.send_signal(signal.SIGUSR1)
    stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == STOPPED, f"{process.returncode}\n{stdout}\n{stderr}"

    programs.train(3, wanted)
    starts = [(line["world"], line["resumed_from_step"]) for line in metrics(wanted["run.dir"], "start")]
    print("rescaled:", ", ".join(f"{world} ranks from step {step}" for world, step in starts))
    assert [world for world, _ in starts] == [4, 2, 3] and starts[1][1] >= 3 and 12 <= starts[2][1] < STEPS, starts
    return wanted["run.dir"]


def check_any_number_of_ranks(programs, data):
    runs = {}
    for ranks in (0, 1, 2, 3, 4, 8):
        name = f"np {ranks}" if ranks else "no mpirun"
        wanted = settings(programs, data, f"world-{ranks}")
        programs.train(ranks, wanted)
        runs[name] = wanted["run.dir"]
    over_tcp = settings(programs, data, "tcp")
    os.environ["OMPI_MCA_btl"] = "self,tcp"
    programs.train(3, over_tcp)
    del os.environ["OMPI_MCA_btl"]
    runs["np 3 by TCP"] = over_tcp["run.dir"]
    runs["np 4>2>3"] = run_rescaled(programs, data)

    columns = {name: what_must_agree(run_dir) for name, run_dir in runs.items()}
    print_table(columns)
    assert [row[0] for row in columns["np 1"]] == list(range(1, STEPS + 1))
    assert len({row[1] for row in columns["np 1"]}) == STEPS, "the weights do not change"
    require_equal(columns)
    finals = {name: (run_dir / "final.safetensors").read_bytes() for name, run_dir in runs.items()}
    assert len(set(finals.values())) == 1, "final.safetensors differ"
    losses = {metrics(run_dir, "epoch")[-1]["train_loss"] for run_dir in runs.values()}
    assert len(losses) == 1, losses


def check_other_settings(programs, data):
    """bf16; an image size at which parts of one image normalise by running statistics, some or all of them; label smoothing and means;
    fewer images than parts, so that ranks get none. What is unusual is said once, by rank 0."""
    cases = {
        "bf16": {"train__precision": "bf16"},
        "32px": {"data__image_size": 32, "optimizer__loss_reduction": "mean", "train__label_smoothing": 0.1},
        "one-each": {"data__image_size": 32, "dist__elastic": 10},
        "few-images": {"train__overfit": 3},
        "partly-frozen": {"model__freeze": "[conv1, bn1, layer1]", "optimizer__momentum": 0},
    }
    warnings = {("32px", 1): ["such shares are normalised"], ("32px", 3): ["such shares are normalised"],
                ("one-each", 1): ["every share is one image"], ("one-each", 3): ["every share is one image"],
                ("few-images", 3): ["2 of 3 ranks get no images in any step: there are 3 training samples"]}
    for name, more in cases.items():
        columns = {}
        for ranks in (1, 3):
            wanted = settings(programs, data, f"{name}-{ranks}", **{"train__max_steps": 5, **more})
            require_warnings(programs.train(ranks, wanted), warnings.get((name, ranks), []), "1x1 last map", "no images")
            columns[f"{name} {ranks}"] = what_must_agree(wanted["run.dir"])
        require_equal(columns)
        print(f"{name}: 1 and 3 ranks agree over {len(columns[f'{name} 1'])} steps")


def check_against_one_plain_process(programs, data):
    """Where nothing depends on how a batch is cut, elastic is the same training up to its rounding."""
    recipe = {"model__batch_norm": "frozen", "optimizer__lr": 5e-5, "optimizer__momentum": 0, "train__clip_norm": 0,
              "train__threads": 1, "train__max_steps": 6}
    plain, elastic = (settings(programs, data, name, **recipe, dist__elastic=parts) for name, parts in (("plain", 0), ("parts", PARTS)))
    programs.train(0, plain)
    programs.train(2, elastic)
    losses = [[line["loss"] for line in metrics(wanted["run.dir"], "step")] for wanted in (plain, elastic)]
    worst = max(relative(a, b) for a, b in zip(*losses, strict=True))
    print(f"batch_norm frozen, against one process without elastic: worst relative difference of the losses {worst:.1e}")
    assert worst < 1e-5


def check_refusals_and_warnings(programs, data):
    wanted = settings(programs, data, "small", dist__elastic=2, train__max_steps=2)
    refuse(programs.train(3, wanted, expect=2), "3 ranks", "2 parts of dist.elastic")
    programs.train(2, wanted)
    done = programs.train(1, {**wanted, "train.max_steps": 3, "train.threads": 2})
    warnings = [line for line in done.stderr.splitlines() if "dist.elastic: not the checkpoint's" in line]
    assert len(warnings) == 1 and "threads 1 there, 2 here" in warnings[0], done.stderr
    refuse(programs.train(1, {**wanted, "dist.elastic": 4}, expect=2), "dist.elastic: 2 there, 4 here")


def check_divergence(programs, data):
    """All ranks know of a loss that is no number, or of a value that is too large to be added, which is named."""
    for name, rate, what in (("nan", 1e30, "loss nan"), ("large", 100, r"[\w.]+ holds \S+, beyond the 524288 that dist.elastic can add")):
        wanted = settings(programs, data, name, optimizer__lr=rate, train__clip_norm=0)
        print(refuse(programs.train(3, wanted, expect=5), "step 2", r"rank \d", what, r"samples \d+"))
        assert not (wanted["run.dir"] / "final.safetensors").exists()


def main():
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(sys.argv[1], sys.argv[2], pathlib.Path(folder))
        data = programs.pack_fashion(per_class=11)
        for check in (check_any_number_of_ranks, check_other_settings, check_against_one_plain_process,
                      check_refusals_and_warnings, check_divergence):
            began = time.monotonic()
            check(programs, data)
            print(f"ok {check.__name__} ({time.monotonic() - began:.0f} s)", flush=True)


main()
