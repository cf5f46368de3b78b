"""What ft_dist says of its test accuracy is what Python finds with the exported weights, to the image.

usage: test_evaluation.py FT_DIST FT_PACK SUPPORT_DIR
"""

import io
import os
import pathlib
import sys
import tempfile

import h5py
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file
from torchvision import transforms

sys.path.insert(0, sys.argv[3])
from ft_runs import Programs, metrics, relative  # noqa: E402

SIZE, RESIZE = 64, 73  # 64 x 256 / 224, rounded


def pictures(packed):
    """(RGB picture, label) of every sample, by h5py and Pillow."""
    for path in sorted(packed.glob("shard-*.h5")):
        with h5py.File(path) as shard:
            for row in range(len(shard["label"])):
                data = shard["payload"][shard["offset"][row] : shard["offset"][row + 1]].tobytes()
                if shard["codec"][row] == 3:
                    size = (int(shard["width"][row]), int(shard["height"][row]))
                    image = Image.frombytes("RGB", size, data)
                else:
                    image = Image.open(io.BytesIO(data)).convert("RGB")
                yield image, int(shard["label"][row])


def evaluate_in_python(weights, packed):
    transform = transforms.Compose([
        transforms.Resize([RESIZE, RESIZE]), transforms.CenterCrop(SIZE), transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ])
    model = torchvision.models.resnet18(num_classes=2)
    model.load_state_dict(load_file(weights))
    model.eval()
    correct, loss, count = 0, 0.0, 0
    with torch.inference_mode():
        for image, label in pictures(packed):
            logits = model(transform(image)[None])
            correct += int(logits.argmax() == label)
            loss += torch.nn.functional.cross_entropy(logits, torch.tensor([label])).item()
            count += 1
    return correct, count, loss / count


def check(programs, train, test, name, ranks):
    run_dir = programs.work / f"run-{name}"
    programs.train(ranks, {
        "run.dir": run_dir, "run.device": "cpu", "data.train": train, "data.test": test, "data.image_size": SIZE,
        "train.batch_size": 32, "train.epochs": 15, "optimizer.lr": 2e-4,
        "data.augment": "none", "eval.every_epochs": 15, "checkpoint.every_epochs": 0, "train.precision": "bf16",
    })
    line = metrics(run_dir, "epoch")[-1]
    correct, count, loss = evaluate_in_python(run_dir / "final.safetensors", test)
    print(f"{name}: ft_dist {line['test_correct']} of {line['test_count']}, loss {line['test_loss']:.6f}; "
          f"Python {correct} of {count}, loss {loss:.6f}")
    assert (line["test_correct"], line["test_count"]) == (correct, count)
    assert relative(line["test_loss"], loss) < 1e-4
    assert min(line["test_recall"]) > 0, "a model that names one class only proves nothing"
    assert sum(map(sum, line["test_confusion"])) == count and line["test_acc"] == correct / count


def main():
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(sys.argv[1], sys.argv[2], pathlib.Path(folder))
        data = programs.pack_fashion(per_class=40)
        # Two ranks: the exported running statistics are the ranks' average, and so are those that were evaluated.
        check(programs, data, data, "fashion", 2)
        if real := os.environ.get("FT_TEST_DATA"):
            photographs = pathlib.Path(real, "hymenoptera_data")
            train = programs.pack(photographs / "train", "train", "--limit-per-class", 40)
            check(programs, train, programs.pack(photographs / "val", "val"), "hymenoptera", 0)
        else:
            print("FT_TEST_DATA is not set: no photographs")


main()
