"""The training step of `ft_dist bench step --synthetic` on several ranks, by PyTorch DDP over gloo: rank 0 prints JSON.

usage: mpirun -np 2 python ddp_step.py --master HOST --port N --batch 16 --size 224 --threads 1 --precision bf16 --seconds 4 [--hook bf16]
`--batch` is a rank's. BatchNorm is each rank's own, as with ft_dist (no broadcast of buffers).
"""

import argparse
import json
import os
import statistics
import time

import torch
import torch.distributed
import torchvision
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks

parser = argparse.ArgumentParser()
parser.add_argument("--master", default="127.0.0.1")
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--size", type=int, default=224)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
parser.add_argument("--seconds", type=float, default=4)
parser.add_argument("--hook", choices=["none", "bf16"], default="none")
options = parser.parse_args()

rank, world = int(os.environ["OMPI_COMM_WORLD_RANK"]), int(os.environ["OMPI_COMM_WORLD_SIZE"])
torch.set_num_threads(options.threads)
torch.manual_seed(0)
torch.distributed.init_process_group("gloo", init_method=f"tcp://{options.master}:{options.port}", rank=rank, world_size=world)
net = torchvision.models.resnet18(num_classes=2).to(memory_format=torch.channels_last).train()
model = torch.nn.parallel.DistributedDataParallel(net, broadcast_buffers=False, gradient_as_bucket_view=True)
if options.hook == "bf16":
    model.register_comm_hook(None, default_hooks.bf16_compress_hook)
head = list(net.fc.parameters())
body = [p for name, p in net.named_parameters() if not name.startswith("fc.")]
optimizer = torch.optim.SGD([{"params": body}, {"params": head, "lr": 5e-4}], lr=5e-5, weight_decay=1e-3)
images = torch.randn(options.batch, 3, options.size, options.size).contiguous(memory_format=torch.channels_last)
labels = torch.arange(options.batch) % 2


def step():
    optimizer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bf16"):
        logits = model(images).float()
        loss = torch.nn.functional.cross_entropy(logits, labels, reduction="sum")
    loss.item()
    (logits.argmax(1) == labels).sum().item()
    loss.backward()
    optimizer.step()


def enough(here):
    """Rank 0's clock decides; also what ft_dist does after each step, about its counts."""
    flag = torch.tensor([1.0 if rank == 0 and here else 0.0])
    torch.distributed.all_reduce(flag, torch.distributed.ReduceOp.MAX)
    return flag.item() > 0


times, start = [], None
for index in range(-3, 1_000_000):
    if index == 0:
        times, start = [], time.perf_counter()
    begin = time.perf_counter()
    step()
    done = enough(index > 0 and time.perf_counter() - start >= options.seconds)
    times.append(time.perf_counter() - begin)
    if done:
        break
if rank == 0:
    print(json.dumps({"median_s": statistics.median(times), "steps": len(times), "ranks": world}), flush=True)
torch.distributed.barrier()
os._exit(0)  # gloo's threads now and then abort the process at its end, and mpirun the figures with it
