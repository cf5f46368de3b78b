"""`ft_dist check`: the table of ranks, the links with --probe, the verdict in one line; the interface's name.

usage: test_preflight.py FT_DIST FT_PACK SUPPORT_DIR
"""

import re
import sys

sys.path.insert(0, sys.argv[3])
from ft_faults import refuse  # noqa: E402
from ft_runs import Programs, run  # noqa: E402

PROGRAMS = Programs(sys.argv[1], sys.argv[2], ".")
LINK = r"rank (\d+) on [\w.-]+ - rank (\d+) on [\w.-]+"


def check(ranks, *options):
    done = run(PROGRAMS.command(ranks, "check", *options, settings={"run.device": "cpu"}))
    lines = done.stdout.splitlines()
    assert len(lines) == 1, f"a verdict is one line:\n{done.stdout}"
    return lines[0], done.stderr


for ranks in (2, 4):
    verdict, table = check(ranks)
    assert re.match(rf"check: ready: {ranks} ranks on cpu, all-reduce [\d.]+ (us|ms), of 1 MiB .*, clocks within", verdict), verdict
    assert not re.search(LINK, table), f"links were probed unasked:\n{table}"
    verdict, table = check(ranks, "--probe")
    print(verdict)
    found = [(int(a), int(b)) for a, b in re.findall(f"^  {LINK} ", table, re.MULTILINE)]
    assert sorted(found) == [(a, b) for a in range(ranks) for b in range(a + 1, ranks)], table
    slowest = re.search(f"slowest link {LINK}: [\\d.]+ [MG]B/s, ", verdict)
    assert slowest and (int(slowest[1]), int(slowest[2])) == found[0], f"{verdict}\n{table}"

# A name that is not there shows where one process tries the config out, and `lo` will do for one.
for ranks, command in ((0, "check"), (1, "check"), (0, "train"), (2, "check")):
    done = run(PROGRAMS.command(ranks, command, settings={"run.device": "cpu", "dist.interface": "nosuch0"}), expect=2)
    refuse(done, r"dist\.interface: no 'nosuch0' that is up; there is", r"lo \(127\.0\.0\.1\)", "dist.interface: auto finds one")
run(PROGRAMS.command(0, "check", settings={"run.device": "cpu", "dist.interface": "lo"}))

alone, table = check(0, "--probe")
assert alone == "check: ready: 1 rank on cpu", alone
assert not re.search(LINK, table), table
