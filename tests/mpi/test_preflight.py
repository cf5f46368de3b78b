"""Preflight: `ft_dist check` (ranks, links with --probe, data) and every start end with a verdict in one line; the
interface's name.

usage: test_preflight.py FT_DIST FT_PACK SUPPORT_DIR [CHECK...]
"""

import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, sys.argv[3])
from ft_faults import error_line, refuse, run_script, small, start  # noqa: E402
from ft_ranks import WatchedRun, loss_line  # noqa: E402
from ft_runs import MPI_ENVIRONMENT, checkpoint, run  # noqa: E402

USAGE, DATA, PEER = 2, 3, 4
LINK = r"rank (\d+) on [\w.-]+ - rank (\d+) on [\w.-]+"


def check(programs, ranks, *options, expect=0, **settings):
    """The verdict, and what else was said."""
    settings = {"run.device": "cpu", **{key.replace("__", "."): value for key, value in settings.items()}}
    done = run(programs.command(ranks, "check", *options, settings=settings), expect)
    lines = done.stdout.splitlines()
    assert len(lines) == 1, f"a verdict is one line:\n{done.stdout}"
    return lines[0], done.stderr


def check_ranks_and_links(programs, _):
    for ranks in (2, 4):
        verdict, table = check(programs, ranks)
        assert re.match(rf"check: ready: {ranks} ranks on 1 host, cpu, all-reduce [\d.]+ (us|ms), of 1 MiB .*, clocks within", verdict), verdict
        assert not re.search(LINK, table), f"links were probed unasked:\n{table}"
        verdict, table = check(programs, ranks, "--probe")
        print(verdict)
        found = [(int(a), int(b)) for a, b in re.findall(f"^  {LINK} ", table, re.MULTILINE)]
        assert sorted(found) == [(a, b) for a in range(ranks) for b in range(a + 1, ranks)], table
        slowest = re.search(f"slowest link {LINK}: [\\d.]+ [MG]B/s, ", verdict)
        assert slowest and (int(slowest[1]), int(slowest[2])) == found[0], f"{verdict}\n{table}"


def check_alone(programs, _):
    verdict, table = check(programs, 0, "--probe")
    assert verdict == "check: ready: 1 rank on 1 host, cpu", verdict
    assert not re.search(LINK, table), table


def check_data(programs, data):
    """Data is looked at when it is named, in a file or not."""
    config = programs.work / "config.yaml"
    config.write_text(f"data: {{train: {data}}}\ntrain: {{batch_size: 8, epochs: 2}}\n")
    for ranks, options, settings in ((0, (), {"data__train": data, "train__batch_size": 8, "train__epochs": 2}),
                                     (2, ("--config", config), {})):
        verdict, table = check(programs, ranks, *options, run__dir=programs.work / "no-run", **settings)
        assert re.fullmatch(r"check: ready: .*, 10 steps of 8 images", verdict), verdict  # 40 samples: 5 an epoch
        assert re.search(rf"^train +40 .*{re.escape(str(data))}", table, re.MULTILINE), table
    assert not (programs.work / "no-run").exists(), "a check made the run's directory"


def check_not_ready(programs, data):
    """The same in one line on stdout, once, while the error stays where errors are, with its code."""
    missing = programs.work / "missing-set"
    for ranks in (0, 2):
        verdict, said = check(programs, ranks, expect=DATA, data__train=missing)
        assert "missing-set" in error_line(said), said
        assert re.match(r"check: not ready: .*missing-set", verdict), verdict
    # Before there is a session, and a command line, too.
    for words, problem in ((("--set", "train.epoch=1"), "train.epoch"), (("--unheard-of",), "--unheard-of")):
        verdict, said = check(programs, 2, *words, expect=USAGE)
        assert problem in error_line(said) and re.match(f"check: not ready: .*{re.escape(problem)}", verdict), verdict
    # Options may come before the command, and a command's name may be an option's value.
    for words, verdicts in ((("--set", "run.device=cpuu", "check"), 1), (("--set", "run.device=cpuu", "train"), 0), (("--config", "check"), 0)):
        done = run([programs.ft_dist, *words], expect=USAGE)
        assert done.stdout.count("check: not ready: ") == done.stdout.count("\n") == verdicts, f"{words}: {done}"
    # Without data there is nothing to look at; with a config that should name some, there is.
    config = programs.work / "empty.yaml"
    config.write_text("")
    verdict, said = check(programs, 0, "--config", config, expect=USAGE)
    assert "data.train" in error_line(said) and verdict == "check: not ready: data.train is not set", verdict


def check_start(programs, data):
    """A training start says it last of all that comes before the first step, and an end says it not."""
    settings = small(data, programs.work / "run", train__max_steps=2)
    for steps, more in (("2 steps of 8 images", {}), ("step 3 to 4, of 8 images", {"train.max_steps": 4})):
        said = programs.train(2, {**settings, **more}).stderr.splitlines()
        verdicts = [i for i, line in enumerate(said) if line.startswith("ready")]
        assert len(verdicts) == 1, said
        assert re.fullmatch(rf"ready: 2 ranks on 1 host, cpu, all-reduce .*, {steps}", said[verdicts[0]]), said[verdicts[0]]
        tables = [i for i, line in enumerate(said) if re.match(r"settings|ranks|data |model|steps", line)]
        assert len(tables) == 5 and max(tables) < verdicts[0], said
    again = programs.train(0, {**settings, "train.max_steps": 4})
    assert "nothing to do" in again.stderr and "\nready" not in again.stderr, again.stderr
    # What was warned of is counted: the newest checkpoint is skipped.
    damage(checkpoint(programs.work / "run", 4))
    said = programs.train(0, {**settings, "train.max_steps": 6}).stderr
    assert re.search(r"^ready \(\d warnings?\): 1 rank on 1 host, cpu, step 3 to 6, of 8 images$", said, re.MULTILINE), said


def damage(folder):
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes()[:-1])


def check_says_what_a_start_says(programs, data):
    """Of each start that can be: `check` first, then the start, and both count their warnings and say the same steps."""
    def both(steps, *warned, **settings):
        verdict, said = check(programs, 2, **settings)
        started = programs.train(2, {key.replace("__", "."): value for key, value in settings.items()}).stderr
        for text, stderr in ((verdict, said), (started, started)):
            ready = re.search(r"ready(?: \((\d+) warnings?\))?: .*?, ([^,]+(?:, of \d+ images)?)$", text, re.MULTILINE)
            warnings = [line for line in stderr.splitlines() if " warning: " in line]
            assert ready[2] == steps and int(ready[1] or 0) == len(warnings), f"{text}\n{stderr}"
            missing = [words for words in warned if not any(words in line for line in warnings)]
            assert not missing, f"not warned of {missing}: {stderr}"
        return said

    one = {key.replace(".", "__"): value for key, value in small(data, programs.work / "one", dist__elastic=2).items()}
    both("2 steps of 8 images", **one, train__max_steps=2)
    said = both("step 3 to 4, of 8 images", **one, train__max_steps=4)
    assert f"a start resumes from {checkpoint(programs.work / 'one', 2)}" in said, said
    verdict, _ = check(programs, 2, **one, train__max_steps=4)
    assert verdict.endswith(f", {programs.work / 'one'} is finished: nothing to do"), verdict
    # A new run from another's last step has none left.
    both("2 steps done already", **{**one, "run__dir": programs.work / "two"}, train__max_steps=2, checkpoint__resume=checkpoint(programs.work / "one", 2))
    # Each remark on checkpoints counts, and so does other arithmetic.
    damage(checkpoint(programs.work / "one", 4))
    both("step 3 to 5, of 8 images", checkpoint(programs.work / "one", 4).name, "not the checkpoint's threads",
         **{**one, "train__threads": 2}, train__max_steps=5)


def check_lost_rank(programs, data):
    """The loss of a rank says nothing of the settings: no verdict. Metrics that are a pipe make rank 0 wait."""
    slow = programs.work / "slow-run"
    slow.mkdir()
    (slow / "config.yaml").touch()
    os.mkfifo(slow / "metrics.jsonl")
    command = programs.command(2, "check", settings={"run.device": "cpu", "data.train": data, "run.dir": slow})
    at = command.index(programs.ft_dist)
    lost = WatchedRun(programs.work / "lost", 2, lambda wrapper: start([*command[:at], *wrapper, *command[at:]]))
    assert any(line.startswith("train ") for line in lost.process.stderr)
    os.kill(lost.pid(1), signal.SIGSTOP)
    with open(slow / "metrics.jsonl", "w", encoding="utf-8"):
        pass  # rank 0 goes on, and waits for rank 1
    os.kill(lost.pid(1), signal.SIGKILL)
    stdout, stderr = lost.end()
    assert loss_line(stderr) and stdout == "", f"{stdout}\n{stderr}"
    assert lost.note(0)[0] == str(PEER), lost.note(0)


def check_interface(programs, _):
    """A name that is not there shows where one process tries the config out, and `lo` will do for one."""
    for ranks, command in ((0, "check"), (1, "check"), (0, "train"), (2, "check")):
        done = run(programs.command(ranks, command, settings={"run.device": "cpu", "dist.interface": "nosuch0"}), expect=USAGE)
        if command == "check":
            assert done.stdout.startswith("check: not ready: dist.interface: no 'nosuch0'"), done.stdout
            done.stdout = ""
        refuse(done, r"dist\.interface: no 'nosuch0' that is up; there is", r"lo \(127\.0\.0\.1\)", "dist.interface: auto finds one")
    check(programs, 0, dist__interface="lo")


def check_another_mpi(programs, data):
    """Under another MPI's launcher each rank is a world of one: the launcher's rank 0 alone says so."""
    for program, words in ((programs.ft_dist, ["check"]), (programs.ft_pack, ["info", str(data)])):
        for rank in (0, 3):
            environment = {**os.environ, **MPI_ENVIRONMENT, "PMI_RANK": str(rank), "PMI_SIZE": "8"}
            done = subprocess.run([program, *words], capture_output=True, text=True, env=environment, timeout=100)
            verdict = "check: not ready: mpiexec started 8 ranks, but MPI sees a world of 1\n" if words == ["check"] and rank == 0 else ""
            assert done.returncode == USAGE and done.stdout == verdict, done
            said = [line for line in done.stderr.splitlines() if "mpiexec started 8 ranks, but MPI sees a world of 1" in line]
            assert len(said) == (rank == 0), done.stderr
            assert rank == 0 or "error" not in done.stderr, done.stderr


run_script(globals(), lambda programs: (programs, programs.pack_fashion(per_class=20)))
