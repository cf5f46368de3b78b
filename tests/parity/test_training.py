"""ft_dist trains as PyTorch does, on the very batches that `replay` writes.

usage: test_training.py FT_DIST FT_PACK SUPPORT_DIR
"""

import json
import os
import pathlib
import sys
import tempfile

import torch
import torchvision
from safetensors.torch import load_file

sys.path.insert(0, sys.argv[3])
from ft_runs import Programs, checkpoint, metrics, relative, run  # noqa: E402

THREADS, BATCH, SIZE, STEPS = 2, 16, 64, 20
LR, HEAD_FACTOR, DECAY = 5e-5, 10, 1e-3


def source_weights(work, classes):
    """A state_dict whose head fits, so that both sides start from the same weights: the stand-in's body where it is
    at hand, else a random one with BatchNorm statistics that look trained."""
    torch.manual_seed(1)
    model = torchvision.models.resnet18(num_classes=len(classes))
    data = os.environ.get("FT_TEST_DATA")
    stand_in = pathlib.Path(data, "../weights/resnet18_tinyimagenet200.pth") if data else None
    if stand_in and stand_in.exists():
        body = {k: v for k, v in torch.load(stand_in).items() if not k.startswith("fc.")}
        model.load_state_dict(body, strict=False)
    else:
        with torch.no_grad():
            for module in model.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.running_mean.normal_(0, 0.1)
                    module.running_var.uniform_(0.5, 2)
    torch.save(model.state_dict(), work / "source.pth")
    (work / "classes.txt").write_text("\n".join(classes) + "\n")
    return model


def settings(work, data, run_dir, **more):
    base = {
        "run.dir": work / run_dir, "run.device": "cpu", "data.train": data, "data.image_size": SIZE,
        "model.weights": work / "source.pth", "model.batch_norm": "frozen", "train.batch_size": BATCH,
        "train.threads": THREADS, "train.epochs": 20, "train.max_steps": STEPS, "optimizer.lr": LR,
        "optimizer.head_lr_factor": HEAD_FACTOR, "optimizer.weight_decay": DECAY, "log.every_steps": 1,
        "checkpoint.every_epochs": 0, "log.sample_ids": "true",
    }
    return {**base, **{key.replace("__", "."): value for key, value in more.items()}}


def replayed(programs, config, step):
    out = programs.work / f"batch-{step}.safetensors"
    run(programs.command(0, "replay", "--step", step, "--out", out, settings=config))
    return load_file(out)


def train_in_torch(model, batches, bf16=False):
    """The recipe; returns the loss per image of each step and the gradients of the first."""
    torch.set_num_threads(THREADS)
    model = model.to(memory_format=torch.channels_last)
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    head = [p for n, p in model.named_parameters() if n.startswith("fc.")]
    body = [p for n, p in model.named_parameters() if not n.startswith("fc.")]
    optimizer = torch.optim.SGD([{"params": body}, {"params": head, "lr": LR * HEAD_FACTOR}], lr=LR, weight_decay=DECAY)
    losses, first = [], None
    for batch in batches:
        images = batch["images"].contiguous(memory_format=torch.channels_last)
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = model(images).float()
            loss = torch.nn.functional.cross_entropy(logits, batch["labels"], reduction="sum")
        loss.backward()
        if first is None:
            first = {n: p.grad.clone() for n, p in model.named_parameters()}
        optimizer.step()
        losses.append(loss.item() / len(batch["labels"]))
    return losses, first


def check_losses(name, ours, theirs, tolerance):
    worst = max(relative(a, b) for a, b in zip(ours, theirs, strict=True))
    print(f"{name}: {len(ours)} losses, worst relative difference {worst:.2e} (allowed {tolerance:.0e})")
    assert worst <= tolerance


def largest_difference(ours, theirs):
    return max((ours[name].float() - tensor.detach().float()).abs().max().item() for name, tensor in theirs.items())


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        programs = Programs(sys.argv[1], sys.argv[2], work)
        data = programs.pack_fashion(per_class=24)
        classes = json.loads((data / "manifest.json").read_text())["classes"]
        source = source_weights(work, classes)
        start = {name: tensor.clone() for name, tensor in source.state_dict().items()}

        config = settings(work, data, "fp32")
        programs.train(0, config)
        batches = [replayed(programs, config, step) for step in range(1, STEPS + 1)]
        lines = metrics(work / "fp32", "step")
        for line, batch in zip(lines, batches, strict=True):
            assert line["sample_ids"] == batch["sample_ids"].tolist(), "replay gives other samples than training took"
        losses, gradients = train_in_torch(source, batches)
        check_losses("fp32", [line["loss"] for line in lines], losses, 1e-5)
        final = load_file(work / "fp32" / "final.safetensors")
        moved = largest_difference(start, dict(source.named_parameters()))
        difference = largest_difference(final, source.state_dict())
        print(f"weights after {STEPS} steps: largest difference {difference:.2e}; training moved them by {moved:.2e}")
        assert difference <= 1e-5 and moved > 20 * difference

        # Momentum after one step, without weight decay, is the gradient itself.
        once = settings(work, data, "once", train__max_steps=1, optimizer__momentum=0.9, optimizer__weight_decay=0)
        programs.train(0, once)
        velocity = load_file(checkpoint(work / "once", 1) / "optimizer.safetensors")
        largest = max(g.abs().max().item() for g in gradients.values())
        difference = largest_difference(velocity, gradients)
        print(f"first gradients: largest difference {difference:.2e} of {largest:.2e}")
        assert difference <= 1e-5 * largest

        # bf16 rounds to 8 bits: two correct programs agree step by step only as far as the same kernels round the
        # same way. Both call oneDNN's here; a real mistake (a layer left out of autocast, stale weights) shows as 1e-2.
        programs.train(0, settings(work, data, "bf16", train__precision="bf16"))
        source.load_state_dict(start)
        losses, _ = train_in_torch(source, batches, bf16=True)
        check_losses("bf16", [line["loss"] for line in metrics(work / "bf16", "step")], losses, 2e-3)

        # What left the program is what torchvision loads.
        clean = torchvision.models.resnet18(num_classes=len(classes))
        clean.load_state_dict(final)


main()
