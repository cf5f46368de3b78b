"""Runs whose ranks are watched one by one: their process ids, exit codes and times of end. Standard library only."""

import ctypes
import os
import pathlib
import re
import signal
import threading
import time

NOTE_END = pathlib.Path(__file__).resolve().parents[1] / "note_end.sh"
PATIENCE_S = 90


class WatchedRun:
    """`folder`: where note_end.sh leaves its notes; `process`: the launcher's."""

    def __init__(self, folder, ranks, start):
        self.folder, self.ranks = pathlib.Path(folder), ranks
        self.folder.mkdir(parents=True)
        self.process = start([NOTE_END, self.folder])

    def pid(self, rank):
        return int((self.folder / f"pid-{rank}").read_text())

    def wait_for_step(self, run_dir, step):
        """Until the metrics hold `step`."""
        metrics = pathlib.Path(run_dir) / "metrics.jsonl"
        self.wait_until(lambda: metrics.exists() and f'"type":"step","step":{step},' in metrics.read_text(), f"no step {step}")

    def wait_until(self, condition, otherwise, patience=PATIENCE_S):
        deadline = time.monotonic() + patience
        while not condition():
            assert self.process.poll() is None, f"it ended early: {self.process.communicate()}"
            assert time.monotonic() < deadline, f"{otherwise} after {patience} s"
            time.sleep(0.02)

    def end(self):
        """Waits for the launcher; stdout and stderr."""
        return self.process.communicate(timeout=PATIENCE_S)

    def ends(self, ranks, since, patience=20):
        """{rank: (exit code, seconds since `since`)} once all of `ranks` have ended."""
        deadline = time.monotonic() + patience
        while missing := [rank for rank in ranks if len(self.note(rank)) < 2]:
            assert time.monotonic() < deadline, f"ranks {missing} have not ended by themselves after {patience} s"
            time.sleep(0.02)
        notes = {rank: self.note(rank) for rank in ranks}
        return {rank: (int(code), float(moment) - since) for rank, (code, moment) in notes.items()}

    def note(self, rank):
        """The words of a rank's last note: exit code and time."""
        file = self.folder / f"end-{rank}"
        return file.read_text().split() if file.exists() else []


def hang(pid):
    """The main thread of that process stands still from now on; its other threads run on, until one of them ends it."""
    stopped = threading.Event()

    def hold():
        seize, interrupt, wait_for_all = 0x4206, 0x4207, 0x40000000
        libc = ctypes.CDLL(None, use_errno=True)
        libc.ptrace.argtypes, libc.ptrace.restype = [ctypes.c_long] * 4, ctypes.c_long
        if libc.ptrace(seize, pid, 0, 0) == 0 and libc.ptrace(interrupt, pid, 0, 0) == 0:
            stopped.set()
            while os.WIFSTOPPED(os.waitpid(pid, wait_for_all)[1]):
                pass

    threading.Thread(target=hold, daemon=True).start()
    assert stopped.wait(10), f"process {pid} may not be held (ptrace)"


def slow_down(run, pid, seconds, share=0.25):
    """A process of that run gets about this share of a core, for so long: it is stopped while it is ahead, though never for
    longer than a second, or the others would miss it."""
    began, used_before = time.monotonic(), core_seconds(pid)
    ran_at = began
    while (passed := time.monotonic() - began) < seconds:
        assert run.process.poll() is None, f"it ended early: {run.process.communicate()}"
        now = time.monotonic()
        stop = core_seconds(pid) - used_before > share * passed and now - ran_at < 1
        if not stop:
            ran_at = now
        os.kill(pid, signal.SIGSTOP if stop else signal.SIGCONT)
        time.sleep(0.05)
    os.kill(pid, signal.SIGCONT)


def core_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_running(pid):
    """A process that nobody has collected yet does not count."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for_nobody(pids, patience=20):
    deadline = time.monotonic() + patience
    while any(map(is_running, pids)):
        assert time.monotonic() < deadline, f"of {pids} these are still there: {[pid for pid in pids if is_running(pid)]}"
        time.sleep(0.05)


def loss_line(stderr):
    """The one line that says who is lost; fails when there is none, more than one, or any other error line."""
    lines = [line for line in stderr.splitlines() if "ft_dist: error:" in line]
    assert len(lines) == 1, f"{len(lines)} error lines instead of 1:\n{stderr}"
    assert re.search(r"ft_dist: error: ranks? [\d, ]+ on [\w.-]+", lines[0]), lines[0]
    return lines[0][lines[0].index("ft_dist: error:"):]
