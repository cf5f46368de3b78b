"""Every command of README.md, run as it stands there, on a small folder of pictures.

usage: test_readme.py SOURCE_DIR BUILD_DIR PYTHON
What a command needs to be short is appended (a smaller image, fewer steps); what takes a cluster or is a test of its own is
named here with the test that runs it. A command that is in neither list fails.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

SOURCE, BUILD, PYTHON = (pathlib.Path(word).absolute() for word in sys.argv[1:4])

ELSEWHERE = {
    "./launch/quickstart.sh": "launch.quickstart",
    "./launch/test.sh": "this test is run by it",
    "slurm/submit.sh": "slurm.submit and slurm.pack",
}
SMALL = ["data.image_size=32", "train.batch_size=8", "train.max_steps=3", "model.weights=none", "run.device=cpu", "log.every_steps=1"]


def commands(text):
    """The lines of all ```sh blocks: continued lines joined, comments dropped."""
    for block in re.findall(r"```sh\n(.*?)```", text, re.S):
        for line in block.replace("\\\n", " ").splitlines():
            if words := shlex.split(line, comments=True):
                yield words


def make_folder(work):
    """work/FOLDER/{train,test}/{pullover,coat}/*.png, from Fashion-MNIST by ft_pack itself."""
    images = "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz"
    subprocess.run([BUILD / "bin/ft_pack", "pack", images, "--out", work / "all", "--classes", "2,4", "--limit-per-class", "24"],
                   check=True, capture_output=True)
    for sample in range(48):
        split, label = ("train", "test")[sample % 3 == 0], ("pullover", "coat")[sample % 2]
        out = work / "FOLDER" / split / label / f"{sample}.png"
        out.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([BUILD / "bin/ft_pack", "extract", work / "all", "--sample", str(sample), "--out", out, "--decode"],
                       check=True, capture_output=True)


def adapted(words):
    """The command, made short."""
    small = [word for setting in SMALL for word in ("--set", setting)]
    if words[0] == "launch/run.sh":  # its hosts are not here: what it would run is checked
        return [words[0], "--dry-run", *words[1:]]
    if words[0] == "./launch/quickstart.sh":
        return None
    if "ft_dist" in " ".join(words) or words[0] == "launch/debug.sh":
        if words[0] == "mpirun":
            words = [words[0], "--oversubscribe", "--bind-to", "none", *words[1:]]
        if "bench" in words:
            words = [*words, "--seconds", "0.5"]
        return [*words, *small]
    return words


def main():
    text = (SOURCE / "README.md").read_text()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        make_folder(work)
        for name in ("configs", "launch", "slurm"):
            (work / name).symlink_to(SOURCE / name)
        (work / "build").symlink_to(BUILD)
        environment = {**os.environ, "FT_DIST": str(BUILD / "bin/ft_dist"), "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        count = 0
        for words in commands(text):
            if words[0] in ELSEWHERE:
                print(f"elsewhere ({ELSEWHERE[words[0]]}): {shlex.join(words)}")
                continue
            command = adapted(words)
            done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=200)
            assert done.returncode == 0, f"{shlex.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
            print(f"ok: {shlex.join(words)}")
            count += 1
        assert count >= 8, "README.md has lost its commands"
        for block in re.findall(r"```python\n(.*?)```", text, re.S):
            subprocess.run([PYTHON, "-c", block], cwd=work, check=True)
            print("ok: the Python block")


main()
