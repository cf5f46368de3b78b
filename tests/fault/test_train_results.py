"""What a run leaves behind and says, and settings at their edges.

usage: test_train_results.py FT_DIST FT_PACK SUPPORT_DIR [CHECK...]
"""

import json
import math
import re
import sys

sys.path.insert(0, sys.argv[3])
from ft_faults import leftovers, read_safetensors, run_script, small  # noqa: E402
from ft_runs import metrics, run  # noqa: E402


class Bench:
    def __init__(self, programs):
        self.programs, self.work = programs, programs.work
        self.data = programs.pack_fashion("pair", per_class=10)

    def trained(self, ranks, name, **more):
        """The finished process and the run directory of a run with these settings."""
        settings = small(more.pop("data", self.data), self.work / name, **more)
        done = self.programs.train(ranks, settings)
        assert not leftovers(settings["run.dir"])
        return done, settings["run.dir"]


CLOSING = (
    r"test acc (?P<acc>[01]\.\d{3}) \(95% [01]\.\d{3}-[01]\.\d{3}, (?P<right>\d+) of (?P<count>\d+)\)",
    r"end to end \d+\.\d examples/sec, \d+\.\d s",
    r"loss \d+\.\d{3}, train acc [01]\.\d{3}, test acc (?P<acc>[01]\.\d{3})",
    r"\d+\.\d examples/sec on 2 ranks \(cpu\)",
)
STEP = ["type", "step", "epoch", "loss", "lr", "images_per_s", "data_s", "compute_s", "comm_s"]
EPOCH = {"type", "epoch", "step", "train_loss", "train_acc", "test_loss", "test_acc", "test_correct", "test_count",
         "test_acc_ci", "seconds"}


def check_closing_lines_and_metrics(bench):
    done, run_dir = bench.trained(2, "whole", log__sample_ids="true", log__weights_sha256="true", log__tensorboard="true")
    lines = done.stdout.splitlines()
    found = [re.fullmatch(pattern, line) for pattern, line in zip(CLOSING, lines, strict=True)]
    assert all(found), f"not as documented:\n{done.stdout}"

    parsed = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    assert [line["type"] for line in parsed] == ["start", *["step"] * 3, "epoch", *["step"] * 3, "epoch", "end"]
    start, end = parsed[0], parsed[-1]
    assert start["incarnation"] == 1 and start["resumed_from_step"] == 0 and start["world"] == 2, start
    for line in metrics(run_dir, "step"):
        assert list(line)[:len(STEP)] == STEP and re.fullmatch("[0-9a-f]{64}", line["weights_sha256"]), line
        assert all(math.isfinite(line[key]) and line[key] >= 0 for key in STEP[1:]), line
    epochs = metrics(run_dir, "epoch")
    for line in epochs:
        assert EPOCH <= set(line), EPOCH - set(line)
        low, high = line["test_acc_ci"]
        assert 0 <= low <= line["test_acc"] <= high <= 1
        assert sum(map(sum, line["test_confusion"])) == line["test_count"] == 20
        assert sum(row[at] for at, row in enumerate(line["test_confusion"])) == line["test_correct"]
    assert [(line["epoch"], line["step"]) for line in epochs] == [(0, 3), (1, 6)]
    assert {"type": "end", "exit": 0, "step": 6}.items() <= end.items() and end["reason"], end
    # The same figures in both places.
    last = epochs[-1]
    assert found[0]["acc"] == found[2]["acc"] == f"{last['test_acc']:.3f}"
    assert (int(found[0]["right"]), int(found[0]["count"])) == (last["test_correct"], last["test_count"])
    assert lines[2].startswith(f"loss {last['train_loss']:.3f}, train acc {last['train_acc']:.3f}")
    ids = sum((line["sample_ids"] for line in metrics(run_dir, "step")[:3]), [])
    assert sorted(ids) == list(range(20))

    names = {path.name for path in run_dir.iterdir()}
    assert names == {"config.yaml", "metrics.jsonl", "tensorboard", "logs", "checkpoints", "final.safetensors"}, names
    assert {path.name for path in (run_dir / "logs").iterdir()} == {"rank-0000.log", "rank-0001.log"}


def check_config_loads_back(bench):
    _, run_dir = bench.trained(0, "written", train__max_steps=1, model__freeze="[conv1, layer1]", data__val=0.25,
                               optimizer__step_epochs="[1, 2]", data__mean="[0.1, 0.2, 0.3]")
    text = (run_dir / "config.yaml").read_text()
    assert f"train: {bench.data}" in text, "paths are not absolute"
    again = run(bench.programs.command(0, "train", "--config", run_dir / "config.yaml"))
    assert "is finished: nothing to do" in again.stderr and len(again.stdout.splitlines()) == 4
    assert text == (run_dir / "config.yaml").read_text()


def check_eval_says_what_the_run_said(bench):
    done, run_dir = bench.trained(2, "to-evaluate")
    first = done.stdout.splitlines()[0]
    for ranks in (0, 2):
        settings = small(bench.data, run_dir)
        evaluated = run(bench.programs.command(ranks, "eval", settings=settings))
        assert evaluated.stdout.splitlines()[-1] == first, f"{evaluated.stdout}\nnot: {first}"
        assert f"loss {metrics(run_dir, 'epoch')[-1]['test_loss']:.4f}" in evaluated.stdout
    # A run directory stands for its weights there, too.
    other = small(bench.data, bench.work / "unused")
    evaluated = run(bench.programs.command(0, "eval", "--weights", run_dir, settings=other))
    assert evaluated.stdout.splitlines()[-1] == first


def check_settings_run(bench):
    """Each of the less common settings, at two ranks: finite losses, no crash."""
    for name, more in {
        "accumulated": {"train__accumulate": 4}, "clipped": {"train__clip_norm": 0.1},
        "smoothed": {"train__label_smoothing": 0.1}, "cosine": {"optimizer__schedule": "cosine", "optimizer__warmup_steps": 2},
        "stepped": {"optimizer__schedule": "step", "optimizer__step_epochs": "[1]"}, "mean": {"optimizer__loss_reduction": "mean"},
        "bf16": {"train__precision": "bf16"}, "planar": {"train__channels_last": "false"},
        "deterministic": {"train__deterministic": "true"}, "overfit": {"train__overfit": 5},
        "plain": {"data__augment": "none", "data__resize_mode": "shorter"}, "untested": {"data__test": "none"},
    }.items():
        done, run_dir = bench.trained(2, name, optimizer__lr=1e-4, **more)
        steps = metrics(run_dir, "step")
        assert all(math.isfinite(line["loss"]) for line in steps), steps
        assert len(done.stdout.splitlines()) == 4, done.stdout
    rates = [line["lr"] for line in metrics(bench.work / "cosine", "step")]
    assert rates[0] < rates[1] and rates[1:] == sorted(rates[1:], reverse=True) and rates[-1] < 1e-4 / 4, rates
    rates = [line["lr"] for line in metrics(bench.work / "stepped", "step")]
    assert rates[:3] == [1e-4] * 3 and all(math.isclose(rate, 1e-5) for rate in rates[3:]), rates
    assert len(metrics(bench.work / "overfit", "step")) == 2, "5 samples are one step an epoch"
    assert metrics(bench.work / "untested", "epoch")[-1].keys().isdisjoint({"test_acc", "test_loss"})


def check_accumulation_changes_nothing_else(bench):
    frozen = {"model__batch_norm": "frozen", "optimizer__lr": 5e-5, "optimizer__momentum": 0, "train__max_steps": 3}
    losses = [[line["loss"] for line in metrics(bench.trained(0, f"parts-{parts}", train__accumulate=parts, **frozen)[1], "step")]
              for parts in (1, 3, 8)]
    for other in losses[1:]:
        assert all(math.isclose(a, b, rel_tol=1e-5) for a, b in zip(losses[0], other, strict=True)), losses


def check_shares_of_one_and_none(bench):
    """9 samples on 4 ranks in batches of 8: shares of two, then of one and none, and a 1x1 last map."""
    nine = bench.programs.pack_fashion("nine", per_class=5)
    done, run_dir = bench.trained(4, "few", data=nine, train__overfit=9, optimizer__lr=1e-5, log__sample_ids="true")
    steps = metrics(run_dir, "step")
    assert [len(line["sample_ids"]) for line in steps] == [8, 1, 8, 1]
    assert all(math.isfinite(line["loss"]) for line in steps), steps
    assert done.stderr.count("a share of one image at 32 px") == 1, done.stderr
    # With batches of four each rank has one, and still it is said once.
    done, _ = bench.trained(4, "ones", train__batch_size=4, optimizer__lr=1e-5)
    assert done.stderr.count("every share is one image") == 1, done.stderr


def check_best_is_chosen_on_val(bench):
    _, run_dir = bench.trained(2, "val", data__val=0.3, train__epochs=3)
    best, _ = read_safetensors(run_dir / "best.safetensors")
    final, _ = read_safetensors(run_dir / "final.safetensors")
    assert best.keys() == final.keys()
    epochs = metrics(run_dir, "epoch")
    trained_on = {len(line["sample_ids"]) for line in metrics(run_dir, "step") if "sample_ids" in line}
    assert not trained_on  # not asked for
    assert all(0 < line["val_count"] < 20 for line in epochs), epochs
    # Its accuracy is that of the first epoch that reached the highest.
    _, alone = bench.trained(0, "no-val")
    assert not (alone / "best.safetensors").exists(), "a best that was chosen on what?"


def check_frozen_layers_stay(bench):
    """Weights and statistics of frozen modules are the source's, to the bit, and the others are not."""
    _, source = bench.trained(0, "source", train__max_steps=2)
    more = {"model__weights": source, "train__epochs": 1, "run__seed": 3}
    before, _ = read_safetensors(source / "final.safetensors")
    for ranks in (0, 2):
        _, run_dir = bench.trained(ranks, f"frozen-{ranks}", model__freeze="[conv1, bn1, layer1, layer2.0]", **more)
        after, metadata = read_safetensors(run_dir / "final.safetensors")
        assert json.loads(metadata["classes"]) == ["2", "4"], metadata
        frozen = [name for name in after if re.match(r"(conv1|bn1|layer1|layer2\.0)\.", name)]
        assert len(frozen) > 30
        for name in frozen:
            assert after[name] == before[name], f"{name} changed"
        for name in ("layer2.1.conv1.weight", "layer2.1.bn1.running_mean", "layer4.0.bn1.num_batches_tracked", "fc.weight"):
            assert after[name] != before[name], f"{name} did not change"
        # All statistics fixed: batch_norm: frozen. Their weights learn.
        _, run_dir = bench.trained(ranks, f"statistics-{ranks}", model__batch_norm="frozen", **more)
        after, _ = read_safetensors(run_dir / "final.safetensors")
        for name in after:
            is_statistic = re.search(r"running_(mean|var)|num_batches_tracked", name)
            assert (after[name] == before[name]) == bool(is_statistic), name


run_script(globals(), lambda programs: [Bench(programs)])
