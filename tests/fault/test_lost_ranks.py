"""A rank is killed, stopped, or throws while the others wait: every rank that is left ends in time with code 4, and one
line says who is lost.

usage: test_lost_ranks.py FT_DIST FT_PACK SUPPORT_DIR [CHECK...]
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, sys.argv[3])
from ft_faults import error_line, refuse, run_script, small, start  # noqa: E402
from ft_ranks import WatchedRun, core_seconds, hang, loss_line, slow_down, wait_for_nobody  # noqa: E402
from ft_runs import metrics  # noqa: E402

USAGE, DATA, PEER = 2, 3, 4
PEER_TIMEOUT_S = 6
# Promised are 5 s; the rest is for a machine that does other things, too.
IN_TIME_S = PEER_TIMEOUT_S + 5 + 15
HOST = os.uname().nodename
# mpirun kills what is left a second after the first death, which on a busy machine is before a rank has noted its end.
os.environ["OMPI_MCA_odls_base_sigkill_timeout"] = "3"


class Bench:
    def __init__(self, programs):
        self.programs, self.work = programs, programs.work
        self.data = programs.pack_fashion("pair", per_class=20)
        self.many = programs.pack_fashion("many", per_class=3000)

    def start(self, name, ranks, until_step=3, environment=(), **more):
        """A training that goes on until something happens, some steps under way. The run and its settings."""
        settings = small(self.data, self.work / name, **{
            "train.epochs": 100_000, "eval.every_epochs": 100_000, "checkpoint.every_epochs": 0,
            "dist.peer_timeout_s": PEER_TIMEOUT_S, **more})
        command = self.programs.command(ranks, "train", settings=settings)
        at = command.index(self.programs.ft_dist)
        run = WatchedRun(self.work / f"{name}-ranks", ranks,
                         lambda note_end: start([*command[:at], *note_end, "env", *environment, *command[at:]]))
        run.wait_for_step(settings["run.dir"], until_step)
        return run, settings

    def start_evaluation(self, name, ranks, timeout_s, peer_timeout_s=3):
        """Rank 0 evaluates many pictures, the others wait for it."""
        return self.start(name, ranks, 2, **{"train.epochs": 1, "train.max_steps": 2, "eval.every_epochs": 1, "data.test": self.many,
                                             "dist.peer_timeout_s": peer_timeout_s, "dist.timeout_s": timeout_s})


def lose(bench, name, ranks, victim, signal_number):
    """What is said when this signal hits that rank; all that is promised of the others."""
    run, settings = bench.start(name, ranks)
    pids = [run.pid(rank) for rank in range(ranks)]
    began = time.time()
    os.kill(pids[victim], signal_number)
    _, stderr = run.end()
    survivors = [rank for rank in range(ranks) if rank != victim]
    for rank, (code, seconds) in run.ends(survivors, began).items():
        assert code == PEER, f"rank {rank} ended with {code}:\n{stderr}"
        assert seconds < IN_TIME_S, f"rank {rank} ended after {seconds:.1f} s"
        print(f"        {name}: rank {rank} ended with {code} after {seconds:.2f} s")
    wait_for_nobody(pids)
    line = loss_line(stderr)
    print(f"        {line}")
    assert line.startswith(f"ft_dist: error: rank {victim} on {HOST} is gone ("), line
    assert " in step " in line and f"logs/rank-{victim:04}.log on {HOST}" in line, line
    for rank in survivors:
        log = (settings["run.dir"] / "logs" / f"rank-{rank:04}.log").read_text()
        assert f"rank {victim} on {HOST} is gone" in log, f"not in the log of rank {rank}: {log}"
    return line, settings


def check_killed_rank(bench):
    line, settings = lose(bench, "killed", 3, 2, signal.SIGKILL)
    assert "connection closed" in line, line
    end = metrics(settings["run.dir"], "end")[-1]
    assert end["exit"] == PEER and "rank 2 on" in end["reason"], end


def check_killed_rank_0(bench):
    line, _ = lose(bench, "killed-0", 4, 0, signal.SIGKILL)
    assert "connection closed" in line, line


def start_with_mpi_that_gives_up(bench, name, on, **more):
    """Three ranks. On the ranks `on` MPI ends the job from the moment on that the file is made (tests/fault/mpi_gives_up.cpp)."""
    trigger = bench.work / f"{name}-trigger"
    shim = pathlib.Path(bench.programs.ft_dist).resolve().parent / "mpi_gives_up.so"
    assert shim.exists(), f"not built: {shim}"
    run, settings = bench.start(name, 3, environment=[
        f"LD_PRELOAD={shim}", f"FT_GIVE_UP={trigger}", f"FT_GIVE_UP_RANKS={','.join(map(str, on))}"], **more)

    def give_up():
        trigger.touch()
        run.wait_until(lambda: all(trigger.with_name(f"{trigger.name}.{rank}").exists() for rank in on), "MPI has not given up")

    return run, settings, give_up


def check_mpi_that_gives_up_first(bench):
    """MPI finds the loss before the watchdog does and ends the job: it is kept from that until the watchdog has spoken."""
    for victim in (2, 0):
        survivors = [rank for rank in range(3) if rank != victim]
        run, settings, give_up = start_with_mpi_that_gives_up(bench, f"gives-up-{victim}", survivors)
        pids = [run.pid(rank) for rank in range(3)]
        began = time.time()
        os.kill(pids[victim], signal.SIGSTOP)
        give_up()
        os.kill(pids[victim], signal.SIGKILL)
        _, stderr = run.end()
        for rank, (code, seconds) in run.ends(survivors, began).items():
            print(f"        rank {rank} ended with {code} after {seconds:.2f} s")
            assert code == PEER and seconds < IN_TIME_S, stderr
        line = loss_line(stderr)
        assert line.startswith(f"ft_dist: error: rank {victim} on {HOST} is gone (connection closed"), line
        if victim != 0:
            assert metrics(settings["run.dir"], "end")[-1]["exit"] == PEER
        wait_for_nobody(pids)


def check_mpi_that_gives_up_alone(bench):
    """Nobody is lost, and still MPI ends the job on one rank: one line says so, and code 4 everywhere."""
    for culprit in (0, 1):
        run, settings, give_up = start_with_mpi_that_gives_up(bench, f"gives-up-alone-{culprit}", [culprit], **{"dist.peer_timeout_s": 4})
        pids = [run.pid(rank) for rank in range(3)]
        began = time.time()
        give_up()
        _, stderr = run.end()
        for rank, (code, seconds) in run.ends(range(3), began).items():
            assert code == PEER and seconds < IN_TIME_S, f"rank {rank} ended with {code} after {seconds:.2f} s:\n{stderr}"
        line = error_line(stderr)
        print(f"        {line}")
        what = "MPI gave up, though no rank is known to be gone (its own message, if any, is above)"
        assert line == f"ft_dist: error: rank {culprit} on {HOST}: {what}", line
        end = metrics(settings["run.dir"], "end")[-1]
        assert end["exit"] == PEER and what in end["reason"], end
        log = (settings["run.dir"] / "logs" / f"rank-{culprit:04}.log").read_text()
        assert what in log, log
        wait_for_nobody(pids)


def check_killed_launcher(bench):
    """Nobody is left who could end the ranks, or show what they say: they end by themselves, and their record says why. So does
    one line, where it still has somewhere to go."""
    stderr = bench.work / "orphans.err"
    for name, environment in (("mute", []), ("orphans", ["sh", "-c", f'exec "$@" 2>>"{stderr}"', "sh"])):
        run, settings = bench.start(name, 3, environment=environment)
        pids = [run.pid(rank) for rank in range(3)]
        began = time.time()
        run.process.kill()
        ends = run.ends(range(3), began)
        print(f"        {name}: {ends}")
        assert all(code == PEER and seconds < IN_TIME_S for code, seconds in ends.values()), ends
        end = metrics(settings["run.dir"], "end")[-1]
        assert end["exit"] == PEER and "the launcher is gone" in end["reason"], end
        wait_for_nobody(pids)
    line = error_line(stderr.read_text())
    assert line.startswith(f"ft_dist: error: rank 0 on {HOST}: the launcher is gone"), line


def check_stopped_rank(bench):
    line, settings = lose(bench, "stopped", 3, 1, signal.SIGSTOP)
    assert f"silent for {PEER_TIMEOUT_S}." in line or f"silent for {PEER_TIMEOUT_S + 1}." in line, line
    assert metrics(settings["run.dir"], "end")[-1]["exit"] == PEER


def check_stopped_rank_0(bench):
    line, _ = lose(bench, "stopped-0", 3, 0, signal.SIGSTOP)
    assert "silent for" in line, line


def check_rank_that_throws(bench):
    """Rank 0 can no longer write, and the others wait: its error is the message, its code is its own."""
    run, settings = bench.start("throws", 3)
    pids = [run.pid(rank) for rank in range(3)]
    began = time.time()
    subprocess.run(["prlimit", "--pid", str(pids[0]), "--fsize=1"], check=True)
    _, stderr = run.end()
    ends = run.ends(range(3), began)
    line = error_line(stderr)
    print(f"        {line}")
    assert f"ft_dist: error: rank 0 on {HOST}: " in line and "File too large" in line, line
    assert {rank: code for rank, (code, _) in ends.items()} == {0: DATA, 1: PEER, 2: PEER}, ends
    assert all(seconds < IN_TIME_S for _, seconds in ends.values()), ends
    assert run.process.returncode == DATA, f"mpirun returned {run.process.returncode}"
    wait_for_nobody(pids)
    for rank in (1, 2):
        log = (settings["run.dir"] / "logs" / f"rank-{rank:04}.log").read_text()
        assert f"rank 0 on {HOST} ended with an error: " in log, log


def check_long_evaluation(bench):
    """Rank 0 evaluates for much longer than any one operation may take; its beats say that it gets on, so the others wait."""
    run, settings = bench.start_evaluation("patient", 2, timeout_s=5, peer_timeout_s=6)
    slow_down(run, run.pid(0), 9)
    _, stderr = run.end()
    assert run.process.returncode == 0, stderr
    epoch = metrics(settings["run.dir"], "epoch")[-1]
    assert epoch["test_count"] == 6000 and epoch["seconds"] > 8, epoch


def check_hanging_evaluation(bench):
    """Rank 0 beats on, but its evaluation does not get on: dist.timeout_s ends the wait, and one line says who was waited for."""
    run, _ = bench.start_evaluation("hanging", 3, timeout_s=3)
    pids = [run.pid(rank) for rank in range(3)]
    used_before = core_seconds(pids[0])
    run.wait_until(lambda: core_seconds(pids[0]) > used_before + 0.5, "rank 0 does not evaluate")
    began = time.time()
    hang(pids[0])
    _, stderr = run.end()
    ends = run.ends(range(3), began)
    line = error_line(stderr)
    print(f"        {line}")
    for rank, (code, seconds) in ends.items():
        print(f"        hanging: rank {rank} ended with {code} after {seconds:.2f} s")
        assert code == PEER, f"rank {rank} ended with {code}:\n{stderr}"
        assert 3 < seconds < IN_TIME_S, f"rank {rank} ended after {seconds:.1f} s"
    waited = rf"rank [12] on {HOST}: evaluation on rank 0: no answer from the other ranks after \d+\.\d s; "
    assert re.search(waited + rf"rank 0 on {HOST} in step 2, evaluation on rank 0(, \d+ of 6000)? \(for \d+\.\d s\)", line), line
    wait_for_nobody(pids)


def check_interface(bench):
    settings = small(bench.data, bench.work / "interface", train__epochs=1, dist__interface="nosuch0")
    refuse(bench.programs.train(2, settings, expect=USAGE), r"dist\.interface: no 'nosuch0'", r"lo \(127\.0\.0\.1\)")
    bench.programs.train(2, {**settings, "dist.interface": "lo"})


run_script(globals(), lambda programs: [Bench(programs)])
