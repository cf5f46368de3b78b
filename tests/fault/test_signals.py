"""SIGTERM, SIGINT and SIGUSR1 to ranks, in training and elsewhere: what is said, what is saved, how each rank ends.

usage: test_signals.py FT_DIST FT_PACK SUPPORT_DIR [CHECK...]
"""

import os
import pathlib
import re
import signal
import sys
import time

sys.path.insert(0, sys.argv[3])
from ft_faults import leftovers, run_script, small, start  # noqa: E402
from ft_ranks import WatchedRun, wait_for_nobody  # noqa: E402
from ft_runs import checkpoint, metrics  # noqa: E402

PEER, STOPPED = 4, 75
HOST = os.uname().nodename
PATIENCE_S = 90
# Promised are 5 s; the rest is for a machine that does other things, too.
IN_TIME_S = 5 + 15
# mpirun kills what is left a second after it has asked: on a busy machine too early for what is looked for here.
os.environ["OMPI_MCA_odls_base_sigkill_timeout"] = "5"


class Bench:
    def __init__(self, programs):
        self.programs, self.work = programs, programs.work
        self.data = programs.pack_fashion("pair", per_class=20)

    def endless(self, name, **more):
        """Settings of a training that goes on until something happens."""
        return small(more.pop("data", self.data), self.work / name, train__epochs=100_000, eval__every_epochs=100_000,
                     checkpoint__every_epochs=0, data__test="none", **more)

    def watch(self, settings, ranks):
        command = self.programs.command(ranks, "train", settings=settings)
        at = command.index(self.programs.ft_dist)
        return WatchedRun(pathlib.Path(f"{settings['run.dir']}-ranks"), ranks, lambda note_end: start([*command[:at], *note_end, *command[at:]]))

    def start(self, name, ranks, **more):
        settings = self.endless(name, **more)
        run = self.watch(settings, ranks)
        run.wait_for_step(settings["run.dir"], 3)
        return run, settings

    def start_alone(self, name, **options):
        settings = self.endless(name)
        process = start(self.programs.command(0, "train", settings=settings), **options)
        wait_for_metrics(process, settings, '"type":"step","step":2,')
        return process, settings


def wait_until(condition, process, otherwise):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None, f"it ended early: {process.communicate()}"
        assert time.monotonic() < deadline, f"{otherwise} after {PATIENCE_S} s"
        time.sleep(0.01)


def wait_for_metrics(process, settings, text):
    file = settings["run.dir"] / "metrics.jsonl"
    wait_until(lambda: file.exists() and text in file.read_text(), process, f"no {text}")


def said(stderr, pattern):
    """The lines that match."""
    lines = [line for line in stderr.splitlines() if re.search(pattern, line)]
    assert lines, f"no '{pattern}' in:\n{stderr}"
    return lines


def ended(process, expect, pattern):
    """A process that must end by itself with this code, and say so in one line that begins with its rank and host."""
    stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == expect, f"exit code {process.returncode}, not {expect}:\n{stderr}"
    (line,) = said(stderr, f"^ft_dist: rank 0 on {HOST}: ended by ")
    print(f"        {line}")
    assert re.search(pattern, line), line
    assert stdout == "", f"it printed a result:\n{stdout}"


def check_term_to_one_rank(bench):
    """The others agree: all save and stop together, although nobody told them."""
    for victim in (0, 1):
        for attempt in range(3):  # where other programs make of a step of 20 ms one of seconds, no agreement is right, too
            run, settings = bench.start(f"agreed-{victim}-{attempt}", 2, train__batch_size=2, model__freeze="[conv1., bn1., layer1., layer2., layer3., layer4.]")
            began = time.time()
            os.kill(run.pid(victim), signal.SIGTERM)
            _, stderr = run.end()
            if "have not agreed" not in stderr:
                break
        ends = run.ends(range(2), began)
        assert {rank: code for rank, (code, _) in ends.items()} == {0: STOPPED, 1: STOPPED}, f"{ends}\n{stderr}"
        said(stderr, f"^ft_dist: rank {victim} on {HOST}: SIGTERM while training, in step \\d+.*: (asking all ranks to save and stop|saving and stopping)")  # or they have agreed by then
        end = metrics(settings["run.dir"], "end")[-1]
        assert end["exit"] == STOPPED and checkpoint(settings["run.dir"], end["step"]).is_dir(), end
        assert not leftovers(settings["run.dir"])


def check_term_beside_a_hung_rank(bench):
    """No agreement: the rank that was told goes alone, in time; the others learn why, and nobody calls it saved."""
    for victim in (0, 1):
        run, settings = bench.start(f"hung-{victim}", 3, dist__peer_timeout_s=120)
        pids = [run.pid(rank) for rank in range(3)]
        os.kill(pids[2], signal.SIGSTOP)
        began = time.time()
        os.kill(pids[victim], signal.SIGTERM)
        _, stderr = run.end()
        for rank, (code, seconds) in run.ends(range(2), began).items():
            print(f"        rank {victim} was told: rank {rank} ended with {code} after {seconds:.2f} s")
            assert code == PEER, f"rank {rank} ended with {code}:\n{stderr}"
            assert seconds < IN_TIME_S, f"rank {rank} ended after {seconds:.1f} s"
        wait_for_nobody(pids)
        said(stderr, f"^ft_dist: rank {victim} on {HOST}: SIGTERM while training")
        # Rank 0 hears of all others, and once it is told, a silence of some beats is enough for it, if it comes in time.
        alone = f"error: rank {victim} on {HOST}: the ranks have not agreed to stop .* in step "
        said(stderr, alone if victim == 1 else f"{alone}|error: rank 2 on {HOST} is gone \\(silent for")
        end = metrics(settings["run.dir"], "end")[-1]
        assert end["exit"] == PEER and ("SIGTERM" in end["reason"] or victim == 0), end
        assert not list((settings["run.dir"] / "checkpoints").glob("step-*"))


def check_term_in_a_long_step(bench):
    """All compute for longer than the limit: the rank that is told waits for no step, and the end is recorded where
    rank 0 is too busy to do it itself."""
    data = bench.programs.pack_fashion("many", per_class=1000)
    for victim in (0, 1):
        settings = bench.endless(f"long-{victim}", data=data, data__image_size=224, train__batch_size=2000, train__accumulate=100)
        run = bench.watch(settings, 2)
        wait_for_metrics(run.process, settings, '"type":"start"')
        began = time.time()
        os.kill(run.pid(victim), signal.SIGTERM)
        _, stderr = run.end()
        for rank, (code, seconds) in run.ends(range(2), began).items():
            print(f"        rank {victim} was told: rank {rank} ended with {code} after {seconds:.2f} s")
            assert code == PEER and seconds < IN_TIME_S, f"rank {rank} ended with {code} after {seconds:.1f} s:\n{stderr}"
        said(stderr, f"^ft_dist: error: rank {victim} on {HOST}: the ranks have not agreed to stop .* in step 1")
        end = metrics(settings["run.dir"], "end")[-1]
        assert end["exit"] == PEER and "SIGTERM" in end["reason"] and end["step"] == 0, end


def check_second_signal(bench):
    process, settings = bench.start_alone("twice")
    process.send_signal(signal.SIGSTOP)  # so that both are there before it can answer the first
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    _, stderr = process.communicate(timeout=PATIENCE_S)
    first, second = said(stderr, f"^ft_dist: rank 0 on {HOST}: ")
    assert "saving and stopping" in first and "ended by SIG" in second, stderr
    end = metrics(settings["run.dir"], "end")[-1]
    assert end["exit"] == process.returncode and end["exit"] in (128 + signal.SIGINT, 128 + signal.SIGTERM), (end, process.returncode)
    bench.programs.train(0, {**settings, "train.max_steps": 2})


def check_ignored_term(bench):
    """A launcher that ignores SIGTERM for itself does not mean the training."""
    process, settings = bench.start_alone("deaf", preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN))
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == STOPPED, stderr
    assert metrics(settings["run.dir"], "end")[-1]["reason"] == "SIGTERM"


def check_no_thread_takes_them(bench):
    """A thread that does not block them would end the process without a word."""
    process, _ = bench.start_alone("threads")
    tasks = list(pathlib.Path(f"/proc/{process.pid}/task").iterdir())
    assert len(tasks) > 2, tasks
    for task in tasks:
        status = (task / "status").read_text()
        blocked = int(re.search(r"SigBlk:\s*([0-9a-f]+)", status)[1], 16)
        for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
            assert blocked >> (number - 1) & 1, f"{number!r} reaches {status.splitlines()[0]}"
    process.send_signal(signal.SIGUSR1)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == STOPPED


def minds(process, number):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"SigBlk:\s*([0-9a-f]+)", status)[1], 16) >> (number - 1) & 1


def check_early_term(bench):
    """As early as it can be: before main, while libraries start."""
    for number in (signal.SIGTERM, signal.SIGINT):
        settings = bench.endless(f"early-{number}")
        process = start(bench.programs.command(0, "train", settings=settings))
        wait_until(lambda: minds(process, number), process, "the signal is not blocked")  # noqa: B023
        process.send_signal(number)
        ended(process, 128 + number, f"ended by {signal.Signals(number).name} while starting")
        assert not settings["run.dir"].exists()


def cpu_seconds(pid):
    """A start takes less than one of them, on however busy a machine."""
    user, system = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def other_work(bench):
    """Commands that would go on for a minute, and the words for them."""
    many = bench.programs.work / "many-tests"
    if not many.exists():
        bench.programs.pack_fashion("many-tests", per_class=6000)
        bench.programs.train(0, small(bench.data, bench.work / "weights", train__max_steps=1))
    settings = small(bench.data, bench.work / "weights", data__image_size=96)
    return [(("eval", "--data", many), settings, "running eval"),
            (("bench", "step", "--synthetic", "--seconds", 60, "--json", bench.work / "figures.json"), settings, "running bench step")]


def check_other_work_alone(bench):
    for command, settings, words in other_work(bench):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            process = start(bench.programs.command(0, *command, settings=settings))
            wait_until(lambda: cpu_seconds(process.pid) > 3, process, "it is not at work")  # noqa: B023
            process.send_signal(number)
            ended(process, 128 + number, words)
    assert not list(bench.work.glob("figures.json*")), "left something of its figures"


def check_other_work_of_two_ranks(bench):
    """One rank is told: it says so, and the other does not wait for it. mpirun is told: all say so."""
    command, settings, words = other_work(bench)[0]
    line = bench.programs.command(2, *command, settings={**settings, "eval.mode": "sharded"})
    at = line.index(bench.programs.ft_dist)

    def at_work(name):
        run = WatchedRun(bench.work / name, 2, lambda note_end: start([*line[:at], *note_end, *line[at:]]))
        for rank in range(2):
            run.wait_until((run.folder / f"pid-{rank}").exists, "no ranks")
            run.wait_until(lambda: cpu_seconds(run.pid(rank)) > 3, "a rank is not at work")  # noqa: B023
        return run

    run = at_work("eval-ranks")
    began = time.time()
    os.kill(run.pid(1), signal.SIGTERM)
    _, stderr = run.end()
    ends = run.ends(range(2), began)
    assert {rank: code for rank, (code, _) in ends.items()} == {0: PEER, 1: 128 + signal.SIGTERM}, f"{ends}\n{stderr}"
    said(stderr, f"^ft_dist: rank 1 on {HOST}: ended by SIGTERM while {words}")

    run = at_work("eval-all")
    run.process.send_signal(signal.SIGTERM)
    _, stderr = run.end()
    assert run.process.returncode != 0
    for each in said(stderr, f"^ft_dist: rank \\d on {HOST}: ended by SIGTERM while {words}"):
        print(f"        {each}")


run_script(globals(), lambda programs: [Bench(programs)])
