"""The training step of `ft_dist bench step --synthetic`, in PyTorch: prints the median seconds of a step.

usage: torch_step.py --batch 16 --size 224 --threads 2 --precision bf16 --seconds 5
"""

import argparse
import statistics
import time

import torch
import torchvision

parser = argparse.ArgumentParser()
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--size", type=int, default=224)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
parser.add_argument("--seconds", type=float, default=5)
options = parser.parse_args()

torch.set_num_threads(options.threads)
torch.manual_seed(0)
model = torchvision.models.resnet18(num_classes=2).to(memory_format=torch.channels_last).train()
head = list(model.fc.parameters())
body = [p for name, p in model.named_parameters() if not name.startswith("fc.")]
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


for _ in range(3):
    step()
times, start = [], time.perf_counter()
while time.perf_counter() - start < options.seconds:
    begin = time.perf_counter()
    step()
    times.append(time.perf_counter() - begin)
print(statistics.median(times))
