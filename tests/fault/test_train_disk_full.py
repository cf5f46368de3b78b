"""A disk that fills up while a checkpoint is saved: one clear line, exit 3, and the earlier checkpoint is whole.

usage: test_train_disk_full.py FT_DIST FT_PACK SUPPORT_DIR [CHECK...]
Exits 77 (skipped) without the right to mount a small file system.
"""

import contextlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, sys.argv[3])
from ft_faults import leftovers, refuse, run_script, small  # noqa: E402
from ft_runs import checkpoint, metrics  # noqa: E402

DATA, SKIPPED = 3, 77


@contextlib.contextmanager
def small_disk(at, mib):
    at.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", at], capture_output=True, text=True)
    if mount.returncode != 0:
        print(f"skipped: cannot mount a small file system: {mount.stderr.strip()}")
        sys.exit(SKIPPED)
    try:
        yield at
    finally:
        subprocess.run(["umount", at], check=True)


# A checkpoint of ResNet-18 with momentum is 90 MB: two fit, and a third does not.
ROOM_FOR_TWO_MIB = 240


def check_checkpoint_does_not_fit(programs, data):
    for ranks in (0, 2):
        with small_disk(programs.work / f"disk-{ranks}", ROOM_FOR_TWO_MIB) as disk:
            settings = small(data, disk / "run", checkpoint__every_steps=2, checkpoint__keep=10, checkpoint__every_epochs=0)
            done = programs.train(ranks, settings, expect=DATA)
            refuse(done, "No space left on device", str(disk), r"step-00000006-i0001")
            for step in (2, 4):
                assert checkpoint(disk / "run", step).is_dir()
            assert not (disk / "run" / "final.safetensors").exists()
            names = [path.name for path in (disk / "run" / "checkpoints").iterdir()]
            assert not any("00000006" in name for name in names if not name.endswith(".tmp")), names
            assert not leftovers(disk / "run"), leftovers(disk / "run")

            # With room again, the run goes on from the last whole one.
            shutil.rmtree(checkpoint(disk / "run", 2))
            programs.train(ranks, {**settings, "checkpoint.keep": 1, "train.max_steps": 5})
            start = metrics(disk / "run", "start")[-1]
            assert start["resumed_from_step"] == 4, start


def check_final_weights_do_not_fit(programs, data):
    """The checkpoint fits, the exported weights do not."""
    with small_disk(programs.work / "disk-final", 115) as disk:
        settings = small(data, disk / "run", train__max_steps=2)
        done = programs.train(0, settings, expect=DATA)
        refuse(done, "No space left on device", r"final\.safetensors")
        assert checkpoint(disk / "run", 2).is_dir()
        assert not (disk / "run" / "final.safetensors").exists()
        assert not leftovers(disk / "run"), leftovers(disk / "run")
        assert not [line for line in metrics(disk / "run", "end") if line["exit"] == 0], "it says that it is done"


def check_full_from_the_start(programs, data):
    with small_disk(programs.work / "disk-full", 1) as disk:
        (disk / "ballast").write_bytes(b"x" * 900_000)
        with open(disk / "more", "wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(b"x" * 4096)
        done = programs.train(2, small(data, disk / "run"), expect=DATA)
        line = refuse(done, str(disk))
        assert re.search("No space left on device", line), line


def check_replay_does_not_fit(programs, data):
    with small_disk(programs.work / "disk-replay", 1) as disk:
        (disk / "ballast").write_bytes(b"x" * 980_000)
        words = programs.command(0, "replay", "--step", 1, "--out", disk / "batch.safetensors", settings=small(data, disk / "run"))
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == DATA, done
        refuse(done, "No space left on device", r"batch\.safetensors")
        assert [path.name for path in disk.iterdir()] == ["ballast"]


def prepare(programs):
    return programs, programs.pack_fashion("pair", per_class=10)


run_script(globals(), prepare)
