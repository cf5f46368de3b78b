"""One rank of three is slow: rank 0's log names it. Nobody is, and nobody is named.

usage: test_stragglers.py FT_DIST FT_PACK SUPPORT_DIR [CHECK...]
"""

import contextlib
import os
import re
import signal
import sys
import threading
import time

sys.path.insert(0, sys.argv[3])
from ft_faults import run_script, small, start  # noqa: E402
from ft_ranks import WatchedRun  # noqa: E402
from ft_runs import metrics  # noqa: E402

STOPPED = 75
RANKS, SLOW = 3, 2
STRETCH = 50  # steps
HOST = os.uname().nodename


class Bench:
    def __init__(self, programs):
        self.programs, self.work = programs, programs.work
        self.data = programs.pack_fashion("pair", per_class=60)

    def start(self, name, **more):
        """A training of short steps, some of them under way."""
        settings = small(self.data, self.work / name, train__batch_size=2 * RANKS, train__epochs=100_000, eval__every_epochs=100_000,
                         checkpoint__every_epochs=0, model__freeze="[layer2., layer3., layer4.]", data__test="none", **more)
        command = self.programs.command(RANKS, "train", settings=settings)
        at = command.index(self.programs.ft_dist)
        run = WatchedRun(self.work / f"{name}-ranks", RANKS, lambda note_end: start([*command[:at], *note_end, *command[at:]]))
        run.wait_for_step(settings["run.dir"], 1)
        return run, settings

    def log(self, settings):
        return (settings["run.dir"] / "logs" / "rank-0000.log").read_text()


@contextlib.contextmanager
def slowed(pid):
    """The process runs for a tenth of the time, in turns far shorter than any silence that would count. On a busy
    machine that is less than it sounds: who sleeps much is the first to get a core."""
    over = threading.Event()

    def pulse():
        while not over.is_set():
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.045)
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.005)

    thread = threading.Thread(target=pulse)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def assert_parts_are_the_whole(settings):
    """data_s, compute_s and comm_s of rank 0 are disjoint, and a step is little else."""
    steps = [line for line in metrics(settings["run.dir"], "step") if line["step"] > 1]
    parts = sum(line["data_s"] + line["compute_s"] + line["comm_s"] for line in steps)
    whole = sum(2 * RANKS / line["images_per_s"] for line in steps)
    print(f"        parts are {parts / whole:.3f} of a step's time; compute {sum(line['compute_s'] for line in steps) / whole:.3f}")
    assert 0.8 < parts / whole < 1.001, (parts, whole)
    assert all(line["compute_s"] > 0 for line in steps)


def is_named(bench, batch_norm):
    run, settings = bench.start(f"slow-{batch_norm}", model__batch_norm=batch_norm)
    began = time.monotonic()
    with slowed(run.pid(SLOW)):
        run.wait_until(lambda: "holds up the others" in bench.log(settings), "nobody named", patience=240)
    (settings["run.dir"] / "STOP").touch()  # a signal would reach the notes' script
    _, stderr = run.end()
    assert run.process.returncode == STOPPED, f"{run.process.returncode}: {stderr}"
    named = re.findall(r"rank (\d+) on (\S+) holds up the others: ([\d.]+) times", stderr)
    print(f"        {named}, after {len(metrics(settings['run.dir'], 'step'))} steps and {time.monotonic() - began:.0f} s")
    assert [(int(rank), host) for rank, host, _ in named] == [(SLOW, HOST)], stderr
    assert float(named[0][2]) >= 2, named
    assert_parts_are_the_whole(settings)


def check_slow_rank(bench):
    is_named(bench, "local")


def check_slow_rank_with_batch_norm_over_all_ranks(bench):
    """Where the others wait for it inside their own forward and backward passes."""
    is_named(bench, "sync")


def check_nobody_is_slow(bench):
    """More ranks than cores, which is slow for all alike."""
    for batch_norm, stretches in (("local", 2), ("sync", 1)):
        run, settings = bench.start(f"even-{batch_norm}", model__batch_norm=batch_norm, train__max_steps=stretches * STRETCH + 1)
        _, stderr = run.end()
        assert run.process.returncode == 0, stderr
        assert "holds up" not in stderr, stderr
        assert_parts_are_the_whole(settings)


run_script(globals(), lambda programs: [Bench(programs)])
