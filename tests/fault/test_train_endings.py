"""How a run ends, and how the next one goes on: stop requests, killed ranks, divergence, damaged checkpoints.

usage: test_train_endings.py FT_DIST FT_PACK SUPPORT_DIR [CHECK...]
"""

import json
import os
import pathlib
import re
import shutil
import signal
import sys
import time

sys.path.insert(0, sys.argv[3])
from ft_faults import flip_bit, leftovers, read_safetensors, refuse, run_script, small, start  # noqa: E402
from ft_runs import checkpoint, metrics  # noqa: E402

USAGE, DATA, DIVERGED, STOPPED = 2, 3, 5, 75
PATIENCE_S = 60


class Bench:
    def __init__(self, programs):
        self.programs, self.work = programs, programs.work
        self.data = programs.pack_fashion("pair", per_class=10)

    def settings(self, run_dir, **more):
        return small(more.pop("data", self.data), self.work / run_dir, **more)


def wait_for_step(process, run_dir, step):
    """Until the metrics hold `step`: the training is under way. A torn last line is one that is being written."""
    deadline = time.monotonic() + PATIENCE_S
    file = pathlib.Path(run_dir) / "metrics.jsonl"
    while not (file.exists() and f'"type":"step","step":{step},' in file.read_text()):
        assert process.poll() is None, f"it ended before step {step}: {process.communicate()}"
        assert time.monotonic() < deadline, f"no step {step} after {PATIENCE_S} s"
        time.sleep(0.02)


def ended(process, expect):
    """stdout and stderr of a process that must end by itself, with `expect`."""
    stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == expect, f"exit code {process.returncode}, not {expect}:\n{stdout}\n{stderr}"
    return stdout, stderr


def stopped_and_resumed(bench, ranks, name, request, **more):
    """Stops a run by `request(process, run_dir)`, goes on, and compares with a run that nobody stopped."""
    long = {"train__max_steps": 40, "train__epochs": 20, "log__weights_sha256": "true", "checkpoint__every_epochs": 0,
            "eval__every_epochs": 1000, **more}
    whole, stopped = bench.settings(f"{name}-whole", **long), bench.settings(name, **long)
    process = start(bench.programs.command(ranks, "train", settings=stopped))
    wait_for_step(process, stopped["run.dir"], 2)
    request(process, stopped["run.dir"])
    stdout, _ = ended(process, STOPPED)
    assert stdout == "", f"a stopped run has no result:\n{stdout}"
    end = metrics(stopped["run.dir"], "end")[-1]
    assert end["exit"] == STOPPED and 2 <= end["step"] < 40, end
    assert checkpoint(stopped["run.dir"], end["step"]).is_dir()
    assert not leftovers(stopped["run.dir"])

    bench.programs.train(ranks, whole)
    bench.programs.train(ranks, stopped)
    assert metrics(stopped["run.dir"], "start")[-1]["resumed_from_step"] == end["step"]
    hashes = [[line["weights_sha256"] for line in metrics(s["run.dir"], "step")] for s in (whole, stopped)]
    assert hashes[0] == hashes[1] and len(hashes[0]) == 40, "the weights differ after a stop and a resume"
    assert same_final(whole["run.dir"], stopped["run.dir"])


def same_final(a, b):
    return (a / "final.safetensors").read_bytes() == (b / "final.safetensors").read_bytes()


def check_usr1_to_mpirun(bench):
    stopped_and_resumed(bench, 2, "usr1", lambda process, _: process.send_signal(signal.SIGUSR1))


def check_stop_file(bench):
    stopped_and_resumed(bench, 0, "stop-file", lambda _, run_dir: (run_dir / "STOP").touch())
    assert not (bench.work / "stop-file" / "STOP").exists(), "the next start would stop at once"


def check_term_to_a_lone_process(bench):
    stopped_and_resumed(bench, 0, "term", lambda process, _: process.send_signal(signal.SIGTERM))


def minds(pid, number):
    """Whether the process has said what that signal means to it: blocked or caught."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    masks = [int(word, 16) for word in re.findall(r"Sig(?:Blk|Cgt):\s*([0-9a-f]+)", status)]
    return any(mask >> (number - 1) & 1 for mask in masks)


def check_early_stop_request(bench):
    """A stop request that comes while the program starts must not kill it, as a signal that nobody minds would."""
    settings = bench.settings("early", train__max_steps=60, train__epochs=30)
    process = start(bench.programs.command(0, "train", settings=settings))
    deadline = time.monotonic() + PATIENCE_S
    while not minds(process.pid, signal.SIGUSR1):
        assert time.monotonic() < deadline and process.poll() is None
    assert not settings["run.dir"].exists(), "the run had begun when it first minded the signal"
    process.send_signal(signal.SIGUSR1)
    ended(process, STOPPED)
    assert metrics(settings["run.dir"], "end")[-1]["step"] == 1


def ranks_of(process):
    """Process ids of the ranks that this mpirun started."""
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"ft_dist" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]


def is_running(pid):
    """A process that nobody has collected yet does not count."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def check_killed_rank(bench):
    for victim in (0, 1):
        settings = bench.settings(f"killed-{victim}", train__epochs=400, checkpoint__every_steps=2, eval__every_epochs=1000)
        process = start(bench.programs.command(2, "train", settings=settings))
        wait_for_step(process, settings["run.dir"], 4)
        pids = sorted(ranks_of(process))
        assert len(pids) == 2, pids
        os.kill(pids[victim], signal.SIGKILL)
        began = time.monotonic()
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode not in (0, STOPPED), process.returncode
        assert time.monotonic() - began < 20, "the other rank hung on"
        while any(map(is_running, pids)):
            assert time.monotonic() - began < 20, f"of the ranks {pids} one is still there"
            time.sleep(0.05)
        # What it left is enough to go on with, on another number of ranks too.
        bench.programs.train(0, {**settings, "train.epochs": 1, "train.max_steps": 0})
        assert metrics(settings["run.dir"], "start")[-1]["resumed_from_step"] >= 2


def check_divergence(bench):
    for ranks in (0, 2):
        settings = bench.settings(f"diverged-{ranks}", train__max_steps=2, log__sample_ids="true")
        bench.programs.train(ranks, settings)
        wild = {**settings, "run.dir": bench.work / f"wild-{ranks}", "optimizer.lr": 1e30, "train.max_steps": 6,
                "checkpoint.every_steps": 1}
        done = bench.programs.train(ranks, wild, expect=DIVERGED)
        line = refuse(done, "step 2", r"rank \d", r"samples \d+")
        named = {int(number) for ids in re.findall(r"samples ([\d, ]+)", line) for number in ids.split(",")}
        assert named <= set(metrics(settings["run.dir"], "step")[1]["sample_ids"]), "names samples of another step"
        end = metrics(wild["run.dir"], "end")[-1]
        assert end["exit"] == DIVERGED and "step 2" in end["reason"], end
        assert not (wild["run.dir"] / "final.safetensors").exists()
        assert_no_bad_weights(wild["run.dir"])


def check_divergence_in_the_last_step(bench):
    """Nobody sees the loss after the last update: what it broke must still not become a result."""
    for name, lr, more in (("last-tested", 1e30, {}), ("last-untested", 1e39, {"data__test": "none"})):
        settings = bench.settings(name, train__max_steps=1, optimizer__lr=lr, **more)
        for ranks in (0, 2):
            refuse(bench.programs.train(ranks, settings, expect=DIVERGED), "diverged", "step 1")
            assert metrics(settings["run.dir"], "end")[-1]["exit"] == DIVERGED
            assert not (settings["run.dir"] / "final.safetensors").exists()
            assert not list((settings["run.dir"] / "checkpoints").iterdir()), "saved what diverged"


def assert_no_bad_weights(run_dir):
    for file in run_dir.rglob("*.safetensors"):
        for name, (kind, _, raw) in read_safetensors(file)[0].items():
            if kind == "F32":
                exponents = (raw[at] >> 7 | (raw[at + 1] & 127) << 1 for at in range(2, min(len(raw), 40000), 4))
                assert 255 not in exponents, f"{file}: {name} holds values that are not finite"


def check_good_checkpoint_survives_divergence(bench):
    settings = bench.settings("survivor", train__max_steps=2, checkpoint__every_steps=1)
    bench.programs.train(0, settings)
    again = {**settings, "train.max_steps": 6}
    state = checkpoint(settings["run.dir"], 2)
    kept = {file.name: file.read_bytes() for file in state.iterdir()}
    wild = bench.settings("wild-from-survivor", optimizer__lr=1e30, model__weights=settings["run.dir"], train__max_steps=6)
    bench.programs.train(0, wild, expect=DIVERGED)
    assert kept == {file.name: file.read_bytes() for file in state.iterdir()}
    bench.programs.train(0, again)
    assert metrics(settings["run.dir"], "start")[-1]["resumed_from_step"] == 2


def four_steps(bench, name):
    settings = bench.settings(name, train__max_steps=4, checkpoint__every_steps=2, checkpoint__every_epochs=0)
    bench.programs.train(0, settings)
    return settings


def check_damaged_checkpoint(bench):
    """The newest that verifies counts, and what was skipped is said, with the reason."""
    settings = four_steps(bench, "damaged")
    whole = {**settings, "run.dir": bench.work / "undamaged", "train.max_steps": 6}
    bench.programs.train(0, whole)
    flip_bit(checkpoint(settings["run.dir"], 4) / "model.safetensors", 1_000_000)
    done = bench.programs.train(0, {**settings, "train.max_steps": 6})
    assert re.search(r"skipped.*step-00000004-i0001.*model\.safetensors", done.stderr), done.stderr
    assert metrics(settings["run.dir"], "start")[-1]["resumed_from_step"] == 2
    assert [line["step"] for line in metrics(settings["run.dir"], "step")] == [1, 2, 3, 4, 5, 6]
    assert same_final(settings["run.dir"], whole["run.dir"])

    for break_it in (lambda d: (d / "hashes.json").unlink(), lambda d: (d / "state.json").write_text("{"),
                     lambda d: shutil.rmtree(d)):
        copy = bench.settings("damaged-otherwise")
        shutil.rmtree(copy["run.dir"], ignore_errors=True)
        shutil.copytree(bench.work / "undamaged", copy["run.dir"])
        break_it(checkpoint(copy["run.dir"], 6))
        bench.programs.train(0, {**settings, "run.dir": copy["run.dir"], "train.epochs": 3, "train.max_steps": 7})
        assert metrics(copy["run.dir"], "start")[-1]["resumed_from_step"] == 4


def check_all_checkpoints_damaged(bench):
    settings = four_steps(bench, "ruined")
    for step in (2, 4):
        flip_bit(checkpoint(settings["run.dir"], step) / "statistics.safetensors", 3000)
    before = (settings["run.dir"] / "metrics.jsonl").read_bytes()
    done = bench.programs.train(2, {**settings, "train.max_steps": 6}, expect=DATA)
    refuse(done, "no checkpoint", "step-00000002-i0001", "step-00000004-i0001", r"statistics\.safetensors")
    assert before == (settings["run.dir"] / "metrics.jsonl").read_bytes()


def check_lost_metrics(bench):
    """The checkpoints are what counts: without metrics.jsonl a run goes on, and does not begin again over them."""
    settings = four_steps(bench, "no-metrics")
    (settings["run.dir"] / "metrics.jsonl").unlink()
    bench.programs.train(0, {**settings, "train.max_steps": 6})
    assert metrics(settings["run.dir"], "start")[-1]["resumed_from_step"] == 4


def check_torn_metrics(bench):
    settings = four_steps(bench, "torn")
    file = settings["run.dir"] / "metrics.jsonl"
    whole_lines = file.read_bytes()
    file.write_bytes(whole_lines + b'{"type":"step","step":5,"los')
    bench.programs.train(0, {**settings, "train.max_steps": 6})
    assert file.read_bytes().startswith(whole_lines + b'{"type":"start"'), "the torn line was not cut"
    assert [line["step"] for line in metrics(settings["run.dir"], "step")] == [1, 2, 3, 4, 5, 6]


def check_finished(bench):
    settings = bench.settings("finished")
    first = bench.programs.train(2, settings)
    before = (settings["run.dir"] / "metrics.jsonl").read_bytes()
    for ranks in (2, 0):
        again = bench.programs.train(ranks, settings)
        assert again.stdout == first.stdout and len(first.stdout.splitlines()) == 4, again.stdout
    assert before == (settings["run.dir"] / "metrics.jsonl").read_bytes()
    # More epochs: it goes on from its end.
    bench.programs.train(2, {**settings, "train.epochs": 3})
    assert metrics(settings["run.dir"], "start")[-1]["resumed_from_step"] == 6
    assert [line["epoch"] for line in metrics(settings["run.dir"], "epoch")] == [0, 1, 2]
    whole = {**settings, "run.dir": bench.work / "three-epochs", "train.epochs": 3}
    bench.programs.train(2, whole)
    assert same_final(settings["run.dir"], whole["run.dir"])
    # With a schedule that depends on their number, epochs are a setting like others.
    bent = bench.settings("bent", optimizer__schedule="cosine")
    bench.programs.train(0, bent)
    refuse(bench.programs.train(0, {**bent, "train.epochs": 3}, expect=USAGE), r"train\.epochs: 2 there, 3 here")


def check_stop_request_that_came_too_late(bench):
    """A STOP that only the last step saw stops nothing, and no later run either."""
    settings = bench.settings("late-stop", train__max_steps=1)
    settings["run.dir"].mkdir()
    (settings["run.dir"] / "STOP").touch()
    bench.programs.train(0, settings)
    assert not (settings["run.dir"] / "STOP").exists()


run_script(globals(), lambda programs: [Bench(programs)])
