"""h5py reads what ft_pack writes, by the snippet in docs/shard_format.md.

usage: test_shards_h5py.py FT_PACK SHARD_FORMAT_MD
"""

import gzip
import io
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

import h5py
import numpy as np
from PIL import Image

FT_PACK, DOCS = sys.argv[1:3]


def pack(source, out, *options):
    subprocess.run([FT_PACK, "pack", source, "--out", out, *options], check=True, stdout=subprocess.DEVNULL)


def extract(packed, sample, *options):
    with tempfile.NamedTemporaryFile() as file:
        command = [FT_PACK, "extract", packed, "--sample", str(sample), "--out", file.name, *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return pathlib.Path(file.name).read_bytes()


def run_snippet(packed):
    """Executes the documented code on another directory; returns its `samples`."""
    code = re.search(r"```python\n(.*?)```", pathlib.Path(DOCS).read_text(), re.S).group(1)
    assert '"packed/train"' in code
    names = {}
    exec(code.replace('"packed/train"', repr(str(packed))), names)
    return names["samples"]


def pixels_of(sample):
    if sample["codec"] == "raw":
        width, height = sample["size"]
        return np.frombuffer(sample["bytes"], "uint8").reshape(height, width, 3)
    return np.asarray(Image.open(io.BytesIO(sample["bytes"])).convert("RGB"))


def check_image_folder(work):
    rng = np.random.default_rng(0)
    source = work / "src"
    expected = []
    for name in ("ants", "bees \u00e9"):
        (source / name / "deep").mkdir(parents=True)
        for i, (suffix, mode, options) in enumerate(
            [("jpg", "RGB", {"quality": 90}), ("png", "RGB", {}), ("deep/x.jpg", "L", {}), ("gif", "P", {}), ("bmp", "RGB", {})]
        ):
            path = source / name / (suffix if "/" in suffix else f"{i}.{suffix}")
            noise = rng.integers(0, 256, (40 + 17 * i, 90, 3), dtype=np.uint8)
            Image.fromarray(noise).convert(mode).save(path, **options)
            expected.append(path)
        (source / name / "notes.txt").write_text("no picture")
    expected.sort(key=lambda path: path.relative_to(source).as_posix().encode())

    packed = work / "packed"
    pack(source, packed, "--shards", "3", "--workers", "3")
    samples = run_snippet(packed)
    assert sorted(samples) == list(range(len(expected)))
    for sample_id, path in enumerate(expected):
        sample = samples[sample_id]
        assert sample["source"] == path.relative_to(source).as_posix(), sample["source"]
        assert sample["class"] == sample["source"].split("/")[0]
        truth = np.asarray(Image.open(path).convert("RGB"))
        assert sample["size"] == (truth.shape[1], truth.shape[0])
        assert np.array_equal(pixels_of(sample), truth), path
        if path.suffix == ".jpg":
            assert sample["bytes"] == path.read_bytes(), path
        assert extract(packed, sample_id) == sample["bytes"]
        decoded = np.asarray(Image.open(io.BytesIO(extract(packed, sample_id, "--decode"))))
        assert np.array_equal(decoded, truth), path
    manifest = json.loads((packed / "manifest.json").read_text())
    assert [note["path"] for note in manifest["skipped"]] == ["ants/notes.txt", "bees \u00e9/notes.txt"]
    assert len(manifest["converted"]) == 6


def check_idx(work):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (30, 9, 7), dtype=np.uint8)
    labels = rng.integers(0, 4, 30, dtype=np.uint8)
    file = work / "t-images-idx3-ubyte.gz"
    file.write_bytes(gzip.compress(struct.pack(">4I", 0x803, *images.shape) + images.tobytes()))
    (work / "t-labels-idx1-ubyte.gz").write_bytes(gzip.compress(struct.pack(">2I", 0x801, 30) + labels.tobytes()))
    packed = work / "idx"
    pack(file, packed, "--shards", "2", "--classes", "1,3")
    samples = run_snippet(packed)
    order = [*np.flatnonzero(labels == 1), *np.flatnonzero(labels == 3)]
    assert len(samples) == len(order)
    for sample_id, place in enumerate(order):
        assert samples[sample_id]["source"] == f"{file.name}[{place}]"
        assert samples[sample_id]["class"] == str(labels[place])
        assert np.array_equal(pixels_of(samples[sample_id]), np.repeat(images[place][..., None], 3, axis=2))


def check_layout(packed):
    for path in sorted(packed.glob("*.h5")):
        with h5py.File(path) as file:
            assert file.attrs["format"] in ("ft_dist shard", b"ft_dist shard")
            assert file.attrs["format_version"] == 1
            assert file["payload"].id.get_offset() % 4096 == 0
            assert file.userblock_size == 0
            for name, dataset in file.items():
                assert dataset.chunks is None and dataset.id.get_offset() is not None, name


def check_real_pictures(work):
    data = os.environ.get("FT_TEST_DATA")
    if not data:
        print("real pictures not compared: FT_TEST_DATA is not set")
        return
    source = pathlib.Path(data) / "hymenoptera_data" / "train"
    packed = work / "hymenoptera"
    pack(source, packed)
    samples = run_snippet(packed)
    files = sorted((p for p in source.rglob("*") if p.is_file()), key=lambda p: p.relative_to(source).as_posix().encode())
    assert len(samples) == len(files) == 245
    for sample_id, path in enumerate(files):
        assert samples[sample_id]["source"] == path.relative_to(source).as_posix()
        assert path.suffix == ".gif" or samples[sample_id]["bytes"] == path.read_bytes()


with tempfile.TemporaryDirectory() as directory:
    work = pathlib.Path(directory)
    check_image_folder(work)
    check_layout(work / "packed")
    check_idx(work)
    check_real_pictures(work)
print("ok")
