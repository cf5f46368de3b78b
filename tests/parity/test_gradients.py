"""The gradients of one step: on 1, 2, 3, 4 and 8 ranks, and those of PyTorch's DistributedDataParallel (c10d::Reducer, gloo) and of a
plain all-reduce of each parameter, on the batch that `replay` writes.

usage: test_gradients.py FT_DIST FT_PACK SUPPORT_DIR
"""

import json
import os
import pathlib
import sys
import tempfile

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torchvision
from safetensors.torch import load_file

SIZE, LR = 64, 1.0
TOLERANCE = 1e-6  # of the largest gradient


def make_model():
    """Random weights with statistics that look trained, normalised by them (batch_norm: frozen)."""
    torch.manual_seed(1)
    model = torchvision.models.resnet18(num_classes=2)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2)
    return model.eval().to(memory_format=torch.channels_last)


def sum_loss(model, batch, begin, end):
    logits = model(batch["images"][begin:end].contiguous(memory_format=torch.channels_last))
    return torch.nn.functional.cross_entropy(logits, batch["labels"][begin:end], reduction="sum")


def share(count, rank, world):
    """Contiguous; the first `count mod world` get one more."""
    base, more = divmod(count, world)
    begin = rank * base + min(rank, more)
    return begin, begin + base + (rank < more)


def reduce_in_torch(rank, world, folder):
    """One rank of c10d, both ways; DDP divides by the world, which is undone."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=world)
    batch = load_file(f"{folder}/batch.safetensors")
    begin, end = share(len(batch["labels"]), rank, world)

    model = make_model()
    ddp = torch.nn.parallel.DistributedDataParallel(model, bucket_cap_mb=25)
    sum_loss(ddp, batch, begin, end).backward()
    reducer = {name: parameter.grad * world for name, parameter in model.named_parameters()}

    model = make_model()
    sum_loss(model, batch, begin, end).backward()
    for parameter in model.parameters():
        dist.all_reduce(parameter.grad)
    plain = {name: parameter.grad for name, parameter in model.named_parameters()}
    if rank == 0:
        torch.save((reducer, plain), f"{folder}/torch.pt")
    dist.destroy_process_group()


def worst(found, expected):
    assert all(torch.isfinite(g).all() for g in [*found.values(), *expected.values()])
    largest = max(g.abs().max() for g in expected.values())
    return max(((found[name] - g).abs().max() / largest).item() for name, g in expected.items())


def gradients(programs, data, start, ranks, batch_size, **more):
    """What one step with rate 1 takes off the weights."""
    name = "-".join(map(str, ["step", ranks, batch_size, *more.values()]))
    settings = {
        "run.dir": programs.work / name, "run.device": "cpu", "data.train": data, "data.image_size": SIZE, "data.workers": 1,
        "model.weights": programs.work / "source.pth", "model.batch_norm": "frozen", "train.batch_size": batch_size,
        "train.threads": 1, "train.max_steps": 1, "optimizer.lr": LR, "optimizer.head_lr_factor": 1, "optimizer.weight_decay": 0,
        "checkpoint.every_epochs": 0, "log.tensorboard": "false", "dist.bucket_mib": 4,
        **{key.replace("__", "."): value for key, value in more.items()},
    }
    programs.train(ranks, settings)
    final = load_file(programs.work / name / "final.safetensors")
    return settings, {key: (start[key] - final[key]) / LR for key in start}


def main():
    sys.path.insert(0, sys.argv[3])
    from ft_runs import Programs, run

    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(sys.argv[1], sys.argv[2], pathlib.Path(folder))
        data = programs.pack_fashion(per_class=11)
        model = make_model()
        torch.save(model.state_dict(), programs.work / "source.pth")
        classes = json.loads((data / "manifest.json").read_text())["classes"]
        (programs.work / "classes.txt").write_text("\n".join(classes) + "\n")  # the same classes: the head is kept
        start = {name: p.detach().clone() for name, p in model.named_parameters()}

        # 21 images: unequal shares on 2, 4 and 8 ranks.
        settings, one = gradients(programs, data, start, 0, 21)
        for ranks, accumulate in ((2, 1), (3, 1), (3, 4), (4, 1), (8, 1)):
            _, several = gradients(programs, data, start, ranks, 21, train__accumulate=accumulate)
            difference = worst(several, one)
            print(f"{ranks} ranks, accumulate {accumulate}: {difference:.1e} of the largest gradient")
            assert difference < TOLERANCE
        _, parts = gradients(programs, data, start, 3, 21, dist__elastic=5)
        difference = worst(parts, one)
        print(f"3 ranks, elastic 5: {difference:.1e} of the largest gradient")
        assert difference < TOLERANCE

        run(programs.command(0, "replay", "--step", 1, "--out", programs.work / "batch.safetensors", settings=settings))
        mp.spawn(reduce_in_torch, args=(2, folder), nprocs=2)
        for name, theirs in zip(("c10d::Reducer", "an all-reduce of each parameter"), torch.load(f"{folder}/torch.pt"), strict=True):
            difference = worst(one, theirs)
            print(f"{name} on 2 ranks: {difference:.1e}")
            assert difference < TOLERANCE


if __name__ == "__main__":
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    main()
