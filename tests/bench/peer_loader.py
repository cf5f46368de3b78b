"""One contender of bench_loaders.py: decode, RandomResizedCrop(224), flip and normalise to float32, batches of 32, one thread.

usage: peer_loader.py NAME --data FOLDER [--epochs 2] [--scratch DIR]
Says "ready" after a warm-up pass, or "missing: what to install". Then, for each line on stdin, goes through all pictures
`epochs` times and prints one JSON line: images, cpu_s (of the whole process), wall_s.
"""

import argparse
import json
import os
import pathlib
import resource
import sys
import time

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIZE, BATCH = 224, 32


def image_folder(data, **options):
    from torchvision.datasets import ImageFolder

    return ImageFolder(data, **options)


def torch_batches(folder):
    import torch

    torch.set_num_threads(1)
    loader = torch.utils.data.DataLoader(folder, batch_size=BATCH, shuffle=True, num_workers=0)
    return lambda: (len(labels) for _, labels in loader)


def torchvision_pillow(data, scratch):
    from torchvision import transforms as t

    return torch_batches(image_folder(data, transform=t.Compose([
        t.RandomResizedCrop(SIZE), t.RandomHorizontalFlip(), t.ToTensor(), t.Normalize(MEAN, STD)])))


def torchvision_tensors(data, scratch):
    import torch
    from torchvision.io import ImageReadMode, decode_image, read_file
    from torchvision.transforms import v2

    return torch_batches(image_folder(
        data, loader=lambda path: decode_image(read_file(path), mode=ImageReadMode.RGB),
        transform=v2.Compose([v2.RandomResizedCrop(SIZE, antialias=True), v2.RandomHorizontalFlip(),
                              v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)])))


def dali(data, scratch):
    from nvidia.dali import fn, pipeline_def, types

    samples = image_folder(data).samples

    @pipeline_def(batch_size=BATCH, num_threads=1, device_id=None)
    def pipeline():
        jpegs, labels = fn.readers.file(files=[path for path, _ in samples], labels=[label for _, label in samples],
                                        random_shuffle=True, name="reader", pad_last_batch=False)
        images = fn.decoders.image_random_crop(jpegs, device="cpu", output_type=types.RGB, random_area=[0.08, 1.0],
                                               random_aspect_ratio=[3 / 4, 4 / 3])
        images = fn.resize(images, size=[SIZE, SIZE], interp_type=types.INTERP_TRIANGULAR)  # antialiased, as torchvision's
        images = fn.crop_mirror_normalize(images, dtype=types.FLOAT, output_layout="CHW", mirror=fn.random.coin_flip(),
                                          mean=[255 * m for m in MEAN], std=[255 * s for s in STD])
        return images, labels

    pipe = pipeline()
    pipe.build()

    def batches():  # the reader wraps around: whole batches until as many pictures came as there are
        done = 0
        while done < len(samples):
            done += BATCH
            pipe.run()
            yield BATCH
    return batches


# `own`: normalised by FFCV's own NormalizeImage, the fastest that it can do; otherwise by torchvision's Normalize on the
# batch, as FFCV's examples for CPUs do it.
def ffcv(data, scratch, own, **field):
    import numpy as np
    import torch
    from ffcv.fields import IntField, RGBImageField
    from ffcv.fields.basics import IntDecoder
    from ffcv.fields.rgb_image import RandomResizedCropRGBImageDecoder
    from ffcv.loader import Loader, OrderOption
    from ffcv.transforms import Convert, NormalizeImage, RandomHorizontalFlip, ToTensor, ToTorchImage
    from ffcv.writer import DatasetWriter
    from torchvision.transforms import Normalize

    torch.set_num_threads(1)
    path = pathlib.Path(scratch) / f"{field['write_mode']}-{own}.beton"
    DatasetWriter(str(path), {"image": RGBImageField(**field), "label": IntField()}, num_workers=1).from_indexed_dataset(
        image_folder(data, loader=rgb))
    mean, std = (255 * np.array(values) for values in (MEAN, STD))
    tensor = [ToTensor(), ToTorchImage()]
    normalized = [NormalizeImage(mean, std, np.float32), *tensor] if own else [*tensor, Convert(torch.float32), Normalize(mean, std)]
    loader = Loader(str(path), batch_size=BATCH, num_workers=1, order=OrderOption.RANDOM, drop_last=False, os_cache=True, pipelines={
        "image": [RandomResizedCropRGBImageDecoder((SIZE, SIZE)), RandomHorizontalFlip(), *normalized],
        "label": [IntDecoder(), ToTensor()]})
    return lambda: (len(labels) for _, labels in loader)


def rgb(path):
    from PIL import Image

    return Image.open(path).convert("RGB")


JPEG, RAW = {"write_mode": "jpg", "jpeg_quality": 90}, {"write_mode": "raw", "max_resolution": 256}
CONTENDERS = {
    "torchvision_pillow": torchvision_pillow,
    "torchvision_tensors": torchvision_tensors,
    "dali": dali,
    "ffcv_jpeg_torch": lambda data, scratch: ffcv(data, scratch, False, **JPEG),
    "ffcv_jpeg": lambda data, scratch: ffcv(data, scratch, True, **JPEG),
    "ffcv_raw_torch": lambda data, scratch: ffcv(data, scratch, False, **RAW),
    "ffcv_raw": lambda data, scratch: ffcv(data, scratch, True, **RAW),
}


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=CONTENDERS)
    parser.add_argument("--data", required=True)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--scratch", default=".")
    options = parser.parse_args()
    try:
        batches = CONTENDERS[options.name](options.data, options.scratch)
        sum(batches())
    except ImportError as error:
        print(f"missing: {error}", flush=True)
        return
    print("ready", flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), cpu_seconds()
        images = sum(sum(batches()) for _ in range(options.epochs))
        print(json.dumps({"images": images, "cpu_s": cpu_seconds() - cpu, "wall_s": time.perf_counter() - wall}), flush=True)


    sys.stdout.flush()
    os._exit(0)  # FFCV's threads would keep the process for ever


if __name__ == "__main__":
    main()
