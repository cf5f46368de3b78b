"""What travels between ranks: gradients as bf16, their cost in the records, and the benchmarks of both.

usage: test_wire.py FT_DIST FT_PACK SUPPORT_DIR
"""

import json
import pathlib
import sys
import tempfile

sys.path.insert(0, sys.argv[3])
from ft_runs import Programs, metrics, relative, run  # noqa: E402

STEPS = 4
RESNET18_TWO_CLASSES = 11_177_538  # trainable parameters


def settings(programs, data, run_dir, **more):
    base = {
        "run.dir": programs.work / run_dir, "run.device": "cpu", "data.train": data, "data.test": data, "data.image_size": 40,
        "train.batch_size": 8, "train.threads": 1, "train.epochs": 10, "train.max_steps": STEPS, "log.every_steps": 1,
        "log.weights_sha256": "true", "checkpoint.every_epochs": 0, "data.workers": 1, "optimizer.momentum": 0.9,
        "model.batch_norm": "frozen", "dist.gradient_dtype": "bf16",
    }
    return {**base, **{key.replace("__", "."): value for key, value in more.items()}}


def check_resume(programs, data, ranks):
    """Also shows that the ranks' weights are equal to the bit: a resumed rank begins with rank 0's."""
    programs.train(ranks, settings(programs, data, "whole"))
    programs.train(ranks, settings(programs, data, "halves", train__max_steps=2))
    programs.train(ranks, settings(programs, data, "halves"))
    whole, halves = (metrics(programs.work / name, "step") for name in ("whole", "halves"))
    for a, b in zip(whole, halves, strict=True):
        for key in ("loss", "weights_sha256"):
            assert a[key] == b[key], f"step {a['step']}: {key} differs after a resume"
    return whole


def check_against_fp32(programs, data, ranks, rounded):
    programs.train(ranks, settings(programs, data, "fp32", dist__gradient_dtype="fp32"))
    exact = metrics(programs.work / "fp32", "step")
    assert exact[0]["weights_sha256"] != rounded[0]["weights_sha256"], "bf16 changed nothing"
    worst = max(relative(a["loss"], b["loss"]) for a, b in zip(exact, rounded, strict=True))
    print(f"{ranks} ranks: losses with bf16 gradients within {worst:.1e} of those with fp32")
    assert worst < 1e-2

    for line in exact + rounded:
        assert 0 <= line["comm_hidden"] <= 1, line
    # Buckets start at multiples of 64 bytes, so a little more than the parameters.
    least = 2 * 4 * RESNET18_TWO_CLASSES * (ranks - 1) / ranks
    assert least <= exact[0]["comm_bytes"] <= least * 1.001, exact[0]
    # Small sums take another way, on which a rank sends more.
    assert relative(exact[0]["comm_bytes"], 2 * rounded[0]["comm_bytes"]) < 1e-3, (exact[0], rounded[0])


def check_one_rank(programs, data):
    """Nothing travels, so nothing is rounded."""
    for dtype in ("fp32", "bf16"):
        programs.train(0, settings(programs, data, f"alone-{dtype}", dist__gradient_dtype=dtype, train__max_steps=2))
    exact, rounded = (metrics(programs.work / f"alone-{dtype}", "step") for dtype in ("fp32", "bf16"))
    assert exact[-1]["weights_sha256"] == rounded[-1]["weights_sha256"]
    assert exact[-1]["comm_bytes"] == 0 and exact[-1]["comm_hidden"] < 0.5


def check_bench_comm(programs, ranks, kind):
    out = programs.work / "comm.json"
    bench = ("bench", "comm", "--max", "128K", "--seconds", "0.5", "--type", kind, "--json", out)
    done = run(programs.command(ranks, *bench))
    heading = done.stdout.splitlines()[1].split()
    assert heading[:9] == ["size", "count", "type", "redop", "root", "time", "algbw", "busbw", "#wrong"], done.stdout
    figures = json.loads(out.read_text())
    assert figures["ranks"] == ranks and figures["backend"] == "mpi" and figures["type"] == kind
    assert [line["size"] for line in figures["sizes"]] == [4 << i for i in range(16)]
    for line in figures["sizes"]:
        assert line["wrong"] == 0, f"a wrong sum: {line}"
        assert line["rounds"] >= 1 and line["time_s"] > 0 and line["mpi_time_s"] > 0
        assert line["count"] * (2 if kind == "bf16" else 4) == line["size"]


def check_bench_comm_alone(programs):
    out = programs.work / "alone.json"
    for ranks in (0, 1):
        done = run(programs.command(ranks, "bench", "comm", "--json", out))
        assert "nothing to measure" in done.stdout and json.loads(out.read_text())["sizes"] == []
    done = run(programs.command(0, "bench", "comm", "--min", "1M", "--max", "4K"), expect=2)
    assert "--max is smaller than --min" in done.stderr


def check_bench_step(programs, ranks):
    out = programs.work / "step.json"
    small = {"data.image_size": 32, "train.batch_size": 4, "train.threads": 1, "run.device": "cpu"}
    done = run(programs.command(ranks, "bench", "step", "--synthetic", "--seconds", "1.5", "--json", out, settings=small))
    figures = json.loads(out.read_text())
    parts = [figures[key] for key in ("data_s", "compute_s", "comm_s", "optimizer_s", "idle_s")]
    assert min(parts) >= -0.02 * figures["mean_s"], f"a negative part:\n{done.stdout}"
    assert abs(sum(parts) - figures["mean_s"]) <= 0.02 * figures["mean_s"], f"parts do not sum to the step:\n{done.stdout}"
    # Idle is what is left over, so the sum alone says nothing: alone, a rank has nobody to wait for (0.0% is usual).
    assert ranks > 1 or figures["idle_s"] <= 0.1 * figures["mean_s"], f"time that no part owns:\n{done.stdout}"
    assert figures["ranks"] == max(1, ranks)
    for key in ("compute_s", "comm_s", "idle_s"):
        least, most = figures["over_ranks"][key]
        assert least <= figures[key] <= most
    assert 0 <= figures["comm_hidden"] <= 1
    assert 0 <= figures["comm_hidden_s"] <= figures["compute_s"]
    assert (figures["comm_bytes"] > 0) == (ranks > 1)


def main():
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(sys.argv[1], sys.argv[2], pathlib.Path(folder))
        data = programs.pack_fashion(per_class=10)
        rounded = check_resume(programs, data, ranks=3)
        check_against_fp32(programs, data, 3, rounded)
        check_one_rank(programs, data)
        for kind in ("fp32", "bf16"):
            check_bench_comm(programs, 2, kind)
        check_bench_comm_alone(programs)
        for ranks in (0, 2):
            check_bench_step(programs, ranks)


main()
