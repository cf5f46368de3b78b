"""Decoding, training and test transforms, and normalisation: 0 grey levels from torchvision with Pillow.

    test_transforms.py PROBE

Synthetic pictures always; photographs too where FT_TEST_DATA names a folder with `hotdog*` and `hymenoptera*`: some
of them, or every one with FT_ALL_PHOTOGRAPHS=1.
"""

import io
import os
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision import transforms
from torchvision.transforms import functional as F

JPEG, PNG, RAW = 1, 2, 3
PHOTOGRAPHS = 160
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
BILINEAR = transforms.InterpolationMode.BILINEAR


class Probe:
    """Collects jobs and what the oracle says of them, then runs all in one process and compares."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.jobs, self.expected = [], []

    def add(self, job, expected):
        """`expected`: an array, or None where Pillow refuses the picture."""
        self.jobs.append(job)
        self.expected.append(expected)

    def store(self, codec, data, size):
        path = self.folder / f"picture-{len(list(self.folder.iterdir()))}"
        path.write_bytes(data)
        return f"{codec} {size[0]} {size[1]} {path}"

    def compare(self):
        jobs, out = self.folder / "jobs", self.folder / "out"
        jobs.write_text("".join(job + "\n" for job in self.jobs))
        result = subprocess.run([self.program, jobs, out], stderr=subprocess.PIPE, text=True)
        assert result.returncode == 0, result.stderr
        failures = []
        with out.open("rb") as stream:
            for job, expected in zip(self.jobs, self.expected):
                (size,) = struct.unpack("<q", stream.read(8))
                failure = difference(None if size < 0 else stream.read(size), expected)
                if failure:
                    failures.append(f"{job}: {failure}")
            assert not stream.read(1), "more results than jobs"
        return failures


def difference(got, expected):
    if got is None or expected is None:
        if got is None and expected is None:
            return None
        return "refused, and Pillow reads it" if got is None else "read, and Pillow refuses it"
    if got == expected.tobytes():
        return None
    got = np.frombuffer(got, expected.dtype)
    if got.size != expected.size:
        return f"{got.size} values instead of {expected.size}"
    apart = np.abs(got.astype(np.float64) - expected.ravel())
    return f"{np.count_nonzero(apart)} values differ, by up to {apart.max()}"


def pixels(image):
    return np.asarray(image, np.uint8)


def add_train(probe, picture, image, rng, size):
    width, height = rng.randint(1, image.width), rng.randint(1, image.height)
    left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    flip = rng.random() < 0.5
    expected = F.resized_crop(image, top, left, height, width, [size, size], BILINEAR)
    if flip:
        expected = F.hflip(expected)
    probe.add(f"train {size} {left} {top} {width} {height} {int(flip)} {picture}", pixels(expected))


def add_test(probe, picture, image, size, resize, shorter):
    target = resize if shorter else [resize, resize]
    chain = transforms.Compose([transforms.Resize(target, BILINEAR), transforms.CenterCrop(size)])
    probe.add(f"test {size} {resize} {int(shorter)} {picture}", pixels(chain(image)))


def add_windows(probe, picture, image, rng, count):
    """Decoding only a part of a picture gives that part."""
    whole = pixels(image)
    for _ in range(count):
        width, height = rng.randint(1, image.width), rng.randint(1, image.height)
        left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
        expected = np.ascontiguousarray(whole[top : top + height, left : left + width])
        probe.add(f"window {left} {top} {width} {height} {picture}", expected)


def synthetic_image(rng, width, height):
    generator = np.random.default_rng(rng.getrandbits(32))
    if rng.random() < 0.5:
        return Image.fromarray(generator.integers(0, 256, (height, width, 3), np.uint8))
    x, y = np.linspace(0, 255, width), np.linspace(0, 255, height)[:, None]
    gradient = np.stack([x + 0 * y, 0 * x + y, (x + y) / 2], axis=-1)
    return Image.fromarray(gradient.round().astype(np.uint8))


def add_resizing(probe, rng):
    """Up and down, extreme shapes, pictures of one pixel, sizes that need one pass or none."""
    sizes = [(1, 1), (1, 2), (2, 1), (1, 300), (300, 1), (3, 900), (900, 3), (2, 2), (224, 224), (256, 256)]
    sizes += [(224, 300), (300, 224), (225, 223), (640, 427), (1500, 40), (40, 1500), (1200, 900)]
    sizes += [(rng.randint(1, 400), rng.randint(1, 400)) for _ in range(110)]
    # Where Pillow changes the order of its passes, for 224 x 224.
    for width, height in ((260, 295), (260, 296), (260, 297), (200, 224), (200, 225), (224, 300), (223, 225)):
        image = synthetic_image(rng, width, height)
        add_test(probe, probe.store(RAW, image.tobytes(), image.size), image, 224, 224, shorter=False)
    for width, height in sizes:
        image = synthetic_image(rng, width, height)
        picture = probe.store(RAW, image.tobytes(), image.size)
        for size in (224, rng.choice([1, 2, 7, 28, 64, 225, width, height])):
            add_train(probe, picture, image, rng, size)
        size, resize = rng.choice([(224, 256), (28, 32), (64, 64), (65, 64), (100, 31), (1, 1), (33, 46)])
        add_test(probe, picture, image, size, resize, shorter=False)
        if max(width, height) / min(width, height) <= 300:
            add_test(probe, picture, image, size, resize, shorter=True)


def decoded(data):
    """Pillow's pixels, or None where it refuses the stream."""
    try:
        return pixels(Image.open(io.BytesIO(data)).convert("RGB"))
    except OSError:
        return None


def jpeg(image, **options):
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


def resampled_as(data, factors):
    """The stream with other sampling factors of luma: the same blocks an MCU, so a valid stream of a picture
    in shuffled pieces. Pillow itself writes no 4:4:0 and no 4:1:1."""
    frame = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    return data[: frame + 11] + bytes([factors]) + data[frame + 12 :]


def jpeg_variants(rng):
    for progressive in (False, True):
        options = {"progressive": progressive}
        for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
            for restart in (0, 1):
                image = synthetic_image(rng, rng.randint(1, 200), rng.randint(1, 200))
                quality = rng.choice([5, 50, 75, 95])
                options |= {"subsampling": subsampling, "quality": quality, "restart_marker_rows": restart}
                yield image.size, jpeg(image, **options)
        image = synthetic_image(rng, 96, 96)
        yield image.size, resampled_as(jpeg(image, subsampling="4:2:2", progressive=progressive), 0x12)
        yield image.size, resampled_as(jpeg(image, subsampling="4:2:0", progressive=progressive), 0x41)
    for image in (synthetic_image(rng, 61, 47).convert("L"), synthetic_image(rng, 1, 1)):
        yield image.size, jpeg(image)
    image = synthetic_image(rng, 33, 18)
    yield image.size, jpeg(image, keep_rgb=True)


def add_decoding(probe, rng):
    """Whole streams, streams cut anywhere, and streams with damaged picture data: Pillow's verdict and pixels."""
    for size, data in jpeg_variants(rng):
        body = data.rindex(b"\xff\xda") + 14
        versions = [data, data[:-2], data[:-1], data + b"trailing bytes"]
        versions += [data[: rng.randint(20, len(data) - 3)] for _ in range(10)]
        for _ in range(10 if body < len(data) - 2 else 0):
            damaged = bytearray(data)
            damaged[rng.randrange(body, len(data) - 2)] ^= 1 << rng.randrange(8)
            versions.append(bytes(damaged))
        whole = Image.open(io.BytesIO(data)).convert("RGB")
        add_windows(probe, probe.store(JPEG, data, size), whole, rng, 12)
        for version in versions:
            probe.add(f"decode {probe.store(JPEG, version, size)}", decoded(version))

    image = synthetic_image(rng, 47, 31)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    data = stream.getvalue()
    probe.add(f"decode {probe.store(PNG, data, image.size)}", pixels(image))
    for cut in (4, 30, len(data) // 2, len(data) - 20):
        probe.add(f"decode {probe.store(PNG, data[:cut], image.size)}", None)


def add_normalising(probe, rng):
    values = np.arange(256, dtype=np.uint8)
    image = Image.fromarray(np.stack([values, values, values], axis=-1).reshape(16, 16, 3))
    picture = probe.store(RAW, image.tobytes(), image.size)
    others = [tuple(tuple(rng.uniform(0.01, 1) for _ in range(3)) for _ in range(2)) for _ in range(20)]
    for mean, std in [IMAGENET, ((0, 0, 0), (1, 1, 1)), ((0.5,) * 3, (0.5,) * 3), *others]:
        chain = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
        nchw = chain(image).numpy()
        numbers = " ".join(repr(float(value)) for value in (*mean, *std))
        probe.add(f"normalise 0 {numbers} {picture}", nchw)
        probe.add(f"normalise 1 {numbers} {picture}", nchw.transpose(1, 2, 0))


def add_photographs(probe, rng, folder):
    paths = [p for name in ("hotdog*", "hymenoptera*") for p in sorted(folder.glob(f"{name}/**/*.jpg"))]
    count = len(paths) if os.environ.get("FT_ALL_PHOTOGRAPHS") else min(PHOTOGRAPHS, len(paths))
    for path in rng.sample(paths, count):
        with Image.open(path) as file:
            if file.mode not in ("L", "RGB"):
                continue  # a set holds these as PNG
            image = file.convert("RGB")
        picture = f"{JPEG} {image.width} {image.height} {path}"
        probe.add(f"decode {picture}", pixels(image))
        add_windows(probe, picture, image, rng, 4)
        add_train(probe, picture, image, rng, 224)
        add_test(probe, picture, image, 224, 256, shorter=False)
        add_test(probe, picture, image, 224, 256, shorter=True)
    return count


def main():
    torch.set_num_threads(1)
    rng = random.Random(3)
    with tempfile.TemporaryDirectory() as folder:
        probe = Probe(sys.argv[1], Path(folder))
        add_resizing(probe, rng)
        add_decoding(probe, rng)
        add_normalising(probe, rng)
        data = os.environ.get("FT_TEST_DATA")
        photographs = add_photographs(probe, rng, Path(data)) if data else 0
        failures = probe.compare()
    refused = sum(expected is None for expected in probe.expected)
    print(f"{len(probe.jobs)} results compared, {refused} refusals and {photographs} photographs among them")
    for failure in failures:
        print("FAILED", failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
