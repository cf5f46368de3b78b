"""What ft_dist says to wrong commands, configs, data and weights: one line, the right exit code, nothing left behind.

usage: test_train_bad_input.py FT_DIST FT_PACK SUPPORT_DIR [CHECK...]
"""

import json
import pathlib
import re
import shutil
import struct
import sys

sys.path.insert(0, sys.argv[3])
from ft_faults import error_line, flip_bit, read_safetensors, refuse, run_script, small, write_safetensors  # noqa: E402
from ft_runs import metrics, run  # noqa: E402

USAGE, DATA = 2, 3


class Bench:
    """The programs, a packed set of 20 samples, and a new run directory for each case."""

    def __init__(self, programs):
        self.programs, self.work, self.runs = programs, programs.work, 0
        self.data = programs.pack_fashion("pair", per_class=10)

    def settings(self, **more):
        self.runs += 1
        return small(more.pop("data", self.data), self.work / f"run-{self.runs}", **more)

    def refused(self, code, *patterns, ranks=0, **more):
        """That training with these settings fails with `code` and says `patterns`; returns the error line."""
        settings = self.settings(**more)
        line = refuse(self.programs.train(ranks, settings, expect=code), *patterns)
        assert not settings["run.dir"].exists() or more, f"{settings['run.dir']} was made"
        return line

    def copy_of_data(self, name):
        return pathlib.Path(shutil.copytree(self.data, self.work / name))


def says(bench, words, code, *patterns, ranks=0):
    refuse(run(bench.programs.command(ranks, *words), expect=code), *patterns)


def config_file(bench, text):
    file = bench.work / "config.yaml"
    file.write_text(text)
    return ["train", "--config", file]


def check_config_file(bench):
    place = r"config\.yaml:{}:{}: ".format
    says(bench, config_file(bench, "train:\n  epochs: 2\n  batchsize: 8\n"), USAGE, place(3, 3), r"train\.batchsize: unknown key",
         r"did you mean train\.batch_size\?")
    says(bench, config_file(bench, "train:\n  epochs: many\n"), USAGE, place(2, 11), r"train\.epochs", "many")
    says(bench, config_file(bench, "train: {epochs: -3}\n"), USAGE, place(1, 17), r"train\.epochs", "-3")
    says(bench, config_file(bench, "trian:\n  epochs: 1\n"), USAGE, place(1, 1), r"did you mean train\?")
    says(bench, config_file(bench, "train:\n  epochs: [1\n"), USAGE, r"config\.yaml:\d+:\d+: ")
    says(bench, config_file(bench, "train:\n\tepochs: 1\n"), USAGE, r"config\.yaml:\d+:\d+: ")
    says(bench, config_file(bench, "just words\n"), USAGE, place(1, 1))
    says(bench, ["train", "--config", bench.work / "missing.yaml"], USAGE, r"missing\.yaml", "No such file")
    says(bench, ["train", "--config", bench.work], USAGE, "directory")
    says(bench, config_file(bench, ""), USAGE, r"data\.train")


def check_overrides(bench):
    for word, pattern in (("train.epochs", "key=value"), ("train.epoch=3", r"did you mean train\.epochs\?"),
                          ("train.epochs=-1", r"train\.epochs"), ("train.epochs=", r"train\.epochs"),
                          ("optimizer.lr=fast", r"optimizer\.lr"), ("train.precision=fp8", "fp32"),
                          ("model.arch=resnet99", "resnet18"), ("data.val=1.5", r"data\.val"),
                          ("optimizer.schedule=step", "step_epochs"), ("train.accumulate=500", "accumulate"),
                          ("model.freeze=[", r"model\.freeze"), ("=3", "unknown key")):
        says(bench, ["train", "--set", word], USAGE, "--set " + re.escape(word), pattern)


def check_command_line(bench):
    # The words in question are named.
    for words, pattern in ((["trane"], "trane"), ([], "(?i)subcommand|command"), (["train", "--frobnicate"], "--frobnicate"),
                           (["replay", "--out", "x"], "--step"), (["replay", "--step", "two", "--out", "x"], "two"),
                           (["bench", "moon"], "moon"), (["train", "stray"], "stray")):
        says(bench, words, USAGE, pattern)
    says(bench, ["trane"], USAGE, "trane", ranks=2)


def check_help_and_version(bench):
    for words in ([], ["train"], ["check"], ["eval"], ["replay"], ["bench"], ["bench", "data"], ["bench", "step"]):
        done = run(bench.programs.command(0, *words, "--help"))
        assert "Usage" in done.stdout and not done.stderr, done
    for words in ([], ["train"], ["eval"]):
        version = run(bench.programs.command(0, *words, "--version"))
        for part in ("ft_dist", "LibTorch", "CUDA", "MPI", "HDF5", "instruction sets"):
            assert part in version.stdout, f"no {part} in {version.stdout}"
    for option, once in (("--help", "Usage"), ("--version", "LibTorch")):
        done = run(bench.programs.command(2, option))
        assert done.stdout.count(once) == 1, f"said {done.stdout.count(once)} times:\n{done.stdout}"


def check_replay(bench):
    settings = bench.settings()  # 20 samples in batches of 8, 2 epochs: 6 steps
    for step in (0, 7, -1, 10**30):
        words = ("replay", f"--step={step}", "--out", bench.work / "batch.safetensors")
        told = "--step" if step > 2**64 else re.escape(str(step))
        refuse(run(bench.programs.command(0, *words, settings=settings), expect=USAGE), told)
    assert not (bench.work / "batch.safetensors").exists()
    run(bench.programs.command(2, "replay", "--step", 6, "--out", bench.work / "batch.safetensors", settings=settings))
    tensors, _ = read_safetensors(bench.work / "batch.safetensors")
    assert {name: value[:2] for name, value in tensors.items()} == {
        "images": ("F32", [4, 3, 32, 32]), "labels": ("I64", [4]), "sample_ids": ("I64", [4])}, tensors.keys()


def check_classes(bench):
    other = bench.programs.pack_fashion("other", classes="0,6", per_class=4)
    line = bench.refused(DATA, r"data\.test", "different classes", data__test=other)
    assert "[0, 6]" in line and "[2, 4]" in line, line
    bench.refused(DATA, r"data\.val", "different classes", data__val=other)
    bench.refused(DATA, r"data\.test", "different classes", data__test=other, ranks=2)
    # Weights know their classes: a set of two others must not be scored as if it were theirs.
    settings = bench.settings(train__max_steps=1)
    bench.programs.train(0, settings)
    done = run(bench.programs.command(0, "eval", "--data", other, settings=settings), expect=DATA)
    line = refuse(done, "classes")
    assert "0, 6" in line and "2, 4" in line, line


def check_data(bench):
    bench.refused(DATA, "missing-set", "manifest", data=bench.work / "missing-set")
    bare = bench.copy_of_data("bare")
    (bare / "manifest.json").unlink()
    bench.refused(DATA, "bare", "manifest", data=bare)

    newer = bench.copy_of_data("newer")
    manifest = json.loads((newer / "manifest.json").read_text())
    manifest["format_version"] = 2
    (newer / "manifest.json").write_text(json.dumps(manifest))
    bench.refused(DATA, "newer", "version 2", data=newer, ranks=2)

    shard = "shard-00001-of-00002.h5"
    short = bench.copy_of_data("short")
    with open(short / shard, "r+b") as stream:
        stream.truncate((short / shard).stat().st_size - 100)
    bench.refused(DATA, "short", shard, data=short)
    gone = bench.copy_of_data("gone")
    (gone / shard).unlink()
    bench.refused(DATA, "gone", shard, data=gone)


def check_weights(bench):
    bench.refused(DATA, r"nothing\.pth", "No such file", model__weights=bench.work / "nothing.pth")
    page = bench.work / "page.pth"
    page.write_text("<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n")
    line = bench.refused(DATA, r"page\.pth", model__weights=page)
    assert re.search("(?i)html", line), f"does not say that it is a web page: {line}"
    empty = bench.work / "empty.pth"
    empty.touch()
    bench.refused(DATA, r"empty\.pth", model__weights=empty)
    bench.refused(DATA, "no weights", model__weights=bench.data)

    four = ("F32", [1], b"\0" * 4)
    vgg = write_safetensors(bench.work / "vgg.safetensors", {f"features.{i}.weight": four for i in range(0, 20, 2)})
    bench.refused(DATA, r"vgg\.safetensors", "missing", r"conv1\.weight", "extra", r"features\.0\.weight", "VGG",
                  model__weights=vgg, ranks=2)
    settings = bench.settings(train__max_steps=1)
    bench.programs.train(0, settings)
    bench.refused(DATA, "do not fit resnet34", r"layer1\.2\.conv1\.weight", "look like resnet18", model__arch="resnet34",
                  model__weights=settings["run.dir"])
    bench.refused(USAGE, r"model\.freeze|freeze", "layer9", model__freeze="[layer9]")
    bench.refused(USAGE, "head_init|class", "zebra", model__head_init="{zebra: 0}", model__weights=settings["run.dir"])


def check_ranks_that_differ(bench):
    def pair(first, second, wdir=(".", ".")):
        base = bench.settings()
        words = ["mpirun", "--oversubscribe", "--bind-to", "none"]
        for at, more in enumerate((first, second)):
            words += [":"] * at + ["-np", 1, "-wdir", wdir[at]] + bench.programs.command(0, "train", settings={**base, **more})
        return run(words, expect=USAGE)

    refuse(pair({"train.batch_size": 8}, {"train.batch_size": 16}), "the config differs", "rank 1", r"train\.batch_size: 16",
           r"train\.batch_size: 8")
    # The same settings, and still not the same files: each rank has its own working directory.
    bench.programs.pack_fashion("here/set", per_class=4)
    bench.programs.pack_fashion("there/set", per_class=5)
    places = (bench.work / "here", bench.work / "there")
    own = {"data.train": "/proc/self/cwd/set", "data.test": "none"}
    refuse(pair(own, own, places), "the data differs", "rank 1")
    for place, seed in zip(places, (1, 2)):
        settings = bench.settings(train__max_steps=1, run__seed=seed)
        bench.programs.train(0, settings)
        shutil.copy(settings["run.dir"] / "final.safetensors", place / "start.safetensors")
    own = {"model.weights": "/proc/self/cwd/start.safetensors"}
    refuse(pair(own, own, places), "the weights file differs", "rank 1")


def check_ranks_with_other_programs(bench):
    """The same commit and another build: only the linker's build-id tells them apart."""
    other = shutil.copy(bench.programs.ft_dist, bench.work / "ft_dist")
    place, build = find_build_id(pathlib.Path(other))
    assert build.hex()[:12] in run([other, "--version"]).stdout, "--version does not name the build"
    flip_bit(other, place + len(build) - 1)
    changed = find_build_id(pathlib.Path(other))[1].hex()
    assert changed != build.hex() and run([other, "--version"]).stdout == run([bench.programs.ft_dist, "--version"]).stdout
    settings = bench.settings()

    def start(words):
        command = ["mpirun", "--oversubscribe", "--bind-to", "none"]
        for program, own in ((bench.programs.ft_dist, words[:1]), (other, words)):
            command += [":"] * (program == other) + ["-np", 1, program, *bench.programs.command(0, *own, settings=settings)[1:]]
        return run(command, expect=USAGE)

    # Told even where the other program does not know the options: the programs are compared first.
    for words in (["train"], ["train", "--unheard-of"]):
        refuse(start(words), r"rank 1 on [\w.-]+ runs another program", f"build {changed}' there",
               f"build {build.hex()}' on rank 0", r"\(hint: copy one build")
    flip_bit(other, place - 4)  # the note is not GNU's any more
    refuse(start(["train"]), "rank 1 on", r"XXH3 [0-9a-f]{32}' there")
    assert not settings["run.dir"].exists()


def find_build_id(program):
    """Where in an ELF file the linker's build-id lies, and what it is."""
    owner = b"GNU\0"
    raw = program.read_bytes()
    at = raw.find(struct.pack("<III", len(owner), 20, 3) + owner)  # a name, 20 bytes, NT_GNU_BUILD_ID
    assert at > 0, f"{program} was linked without a build-id"
    return at + 16, raw[at + 16:at + 36]


def check_bench(bench):
    says(bench, ["bench", "step"], USAGE, r"data\.train is not set", r"\(hint: --synthetic")
    says(bench, ["bench", "data"], USAGE, r"neither --data nor data\.train")


def check_run_directory(bench):
    foreign = bench.work / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("years of work")
    bench.refused(USAGE, r"run\.dir", r"thesis\.tex", run__dir=foreign)
    bench.refused(USAGE, r"run\.dir", r"thesis\.tex", run__dir=foreign / "thesis.tex")
    assert [path.name for path in foreign.iterdir()] == ["thesis.tex"]

    settings = bench.settings(train__max_steps=2)
    bench.programs.train(0, settings)
    never = {**settings, "checkpoint.resume": "never"}
    bench.programs.train(0, never)  # anew: from step 0, as the next incarnation
    assert [line["resumed_from_step"] for line in metrics(settings["run.dir"], "start")] == [0, 0]
    before = {path: path.stat().st_mtime_ns for path in settings["run.dir"].rglob("*")}
    changed = {**settings, "optimizer.lr": 0.5, "train.batch_size": 4, "run.seed": 9}
    refuse(bench.programs.train(2, changed, expect=USAGE), r"optimizer\.lr: 0\.001 there, 0\.5 here",
           r"train\.batch_size: 8 there, 4 here", r"run\.seed: 0 there, 9 here")
    other = bench.programs.pack_fashion("others", per_class=11)
    refuse(bench.programs.train(0, {**settings, "data.train": other}, expect=USAGE), "packed data")
    refuse(bench.programs.train(0, bench.settings(checkpoint__resume=bench.work / "no-run"), expect=DATA), "no checkpoint")
    assert before == {path: path.stat().st_mtime_ns for path in settings["run.dir"].rglob("*")}, "a refused run wrote"


def check_damage_found_in_training(bench):
    """A flipped bit in one picture ends every rank, at once, with the sample's name."""
    bad = bench.copy_of_data("flipped")
    # The middle of the payload: found by its 4096-byte alignment behind the tables, told by the message below.
    for shard in sorted(bad.glob("shard-*.h5")):
        flip_bit(shard, shard.stat().st_size - 4000)
    for ranks in (0, 2):
        settings = bench.settings(data=bad, data__test="none")
        done = bench.programs.train(ranks, settings, expect=DATA)
        lines = [line for line in done.stderr.splitlines() if "ft_dist: error:" in line]
        assert lines, done.stderr
        for line in lines:
            assert re.search(r"shard-0000\d-of-00002\.h5", line) and re.search(r"sample \d+", line), line
            assert "train-images-idx3-ubyte" in line, f"no source path in: {line}"
        assert done.stdout == ""
        assert not (settings["run.dir"] / "final.safetensors").exists()


def check_damage_on_one_rank(bench):
    """Only rank 1 draws the damaged sample, in step 3: rank 0 must not wait for it."""
    clean = bench.settings(log__sample_ids="true", train__epochs=1, data__test="none")
    bench.programs.train(2, clean)
    lines = [json.loads(text) for text in (clean["run.dir"] / "metrics.jsonl").read_text().splitlines()]
    last = [line for line in lines if line["type"] == "step"][-1]["sample_ids"]
    damaged_id = last[-1]  # batches are cut contiguously: the last of a batch is rank 1's
    bad = bench.copy_of_data("flipped-once")
    shard, at = find_payload(bench, bad, damaged_id)
    flip_bit(shard, at)
    settings = bench.settings(data=bad, train__epochs=1, data__test="none")
    done = bench.programs.train(2, settings, expect=DATA)
    line = error_line(done.stderr)
    assert "error: rank 1 (" in line and f"sample {damaged_id}" in line and shard.name in line, line


def find_payload(bench, data, sample_id):
    """The shard file and position of a sample's stored bytes."""
    stored = bench.work / "stored"
    run([bench.programs.ft_pack, "extract", data, "--sample", sample_id, "--out", stored])
    raw = stored.read_bytes()
    stored.unlink()
    for shard in sorted(data.glob("shard-*.h5")):
        at = shard.read_bytes().find(raw)
        if at >= 0:
            return shard, at + len(raw) // 2
    raise AssertionError(f"sample {sample_id} is in no shard")


run_script(globals(), lambda programs: [Bench(programs)])
