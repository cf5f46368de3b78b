"""What --encoding raw and --restart-index store, seen through Pillow and h5py.

usage: test_encodings.py FT_PACK SHARD_FORMAT_MD
"""

import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import h5py
import numpy as np
from PIL import Image

FT_PACK, DOCS = sys.argv[1:3]


def documented(name):
    """The function of that name among the code in docs/shard_format.md."""
    for code in re.findall(r"```python\n(.*?)```", pathlib.Path(DOCS).read_text(), re.S):
        if f"def {name}(" in code:
            names = {}
            exec(code, names)
            return names[name]
    raise AssertionError(f"no {name} in {DOCS}")


restart_offsets = documented("restart_offsets")


def pack(source, out, *options):
    command = [FT_PACK, "pack", source, "--out", out, *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return json.loads((out / "manifest.json").read_text())


def stored_samples(packed):
    """(path, bytes, width, height, codec, restart offsets) of each sample."""
    for path in sorted(packed.glob("*.h5")):
        with h5py.File(path) as file:
            offset, source_offset = file["offset"][:], file["source_offset"][:]
            for row in range(len(file["label"])):
                yield (
                    file["source"][source_offset[row] : source_offset[row + 1]].tobytes().decode(),
                    file["payload"][offset[row] : offset[row + 1]].tobytes(),
                    int(file["width"][row]),
                    int(file["height"][row]),
                    int(file["codec"][row]),
                    restart_offsets(file, row) if "restart_index" in file else None,
                )


def pillow_pixels(file, max_side=None):
    image = Image.open(file).convert("RGB")
    longer = max(image.size)
    if max_side and longer > max_side:
        width, height = (max(1, (2 * side * max_side + longer) // (2 * longer)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image)


def check_raw(source, work, max_side):
    packed = work / f"raw-{max_side}"
    manifest = pack(source, packed, "--encoding", "raw", *(["--max-side", str(max_side)] if max_side else []))
    assert manifest["packed_with"]["encoding"] == "raw"
    assert manifest["packed_with"].get("max_side") == max_side
    resampled = 0
    for path, stored, width, height, codec, _ in stored_samples(packed):
        assert codec == 3, path
        truth = pillow_pixels(source / path, max_side)
        assert truth.shape == (height, width, 3), (path, truth.shape, width, height)
        assert np.array_equal(np.frombuffer(stored, "uint8").reshape(height, width, 3), truth), path
        resampled += truth.shape != pillow_pixels(source / path).shape
    assert manifest["resampled"] == resampled
    return resampled


def check_intervals(path, stored, offsets):
    """The markers stand where the offsets say, and nowhere else; intervals fill rows."""
    assert stored[offsets[0] - 14 : offsets[0] - 10] == b"\xff\xda\x00\x0c", path
    assert [stored[o - 2 : o] for o in offsets[1:]] == [bytes((0xFF, 0xD0 + i % 8)) for i in range(len(offsets) - 1)], path
    found = [m.end() for m in re.finditer(rb"\xff[\xd0-\xd7]", stored) if m.start() >= offsets[0]]
    assert found == list(offsets[1:]), path
    frame = next(m.start() for m in re.finditer(rb"\xff[\xc0\xc1]\x00\x11\x08", stored))
    height, width = (int.from_bytes(stored[frame + at : frame + at + 2], "big") for at in (5, 7))
    h, v = divmod(stored[frame + 11], 16)
    interval_at = stored.index(b"\xff\xdd\x00\x04") + 4
    interval = int.from_bytes(stored[interval_at : interval_at + 2], "big")
    per_row = -(-width // (8 * h))
    assert per_row % interval == 0, path
    assert len(offsets) == per_row // interval * -(-height // (8 * v)), path
    return per_row // interval


def tables_of(file):
    return Image.open(file).quantization


def check_restart_index(source, work):
    packed = work / "restart"
    manifest = pack(source, packed, "--restart-index")
    assert manifest["packed_with"]["restart_index"] is True
    found, added, per_row = 0, 0, {}
    for path, stored, _, _, codec, offsets in stored_samples(packed):
        original = (source / path).read_bytes()
        if len(offsets) == 0:
            assert codec != 1 or stored == original, path
            continue
        intervals = check_intervals(path, stored, offsets)
        per_row[intervals] = per_row.get(intervals, 0) + 1
        assert np.array_equal(pillow_pixels(io.BytesIO(stored)), pillow_pixels(source / path)), path
        assert tables_of(io.BytesIO(stored)) == tables_of(source / path), path
        growth = len(stored) + 4 * len(offsets) - len(original)
        assert growth <= 0.02 * len(original), (path, growth, len(original))
        found += len(original)
        added += growth
    count = sum(per_row.values())
    assert count == manifest["transcoded"]["samples"] > 0
    assert found == manifest["transcoded"]["bytes_found"]
    return f"{count} transcoded, {100 * added / found:+.2f}% with offsets; intervals a row: " + ", ".join(
        f"{n} in {per_row[n]}" for n in sorted(per_row)
    )


def make_pictures(source):
    rng = np.random.default_rng(0)
    for name in ("ants", "bees"):
        (source / name).mkdir(parents=True)
        for i, (suffix, mode, options) in enumerate(
            [
                ("jpg", "RGB", {"quality": 95}),
                ("jpg", "RGB", {"quality": 85, "subsampling": 0}),
                ("jpg", "RGB", {"quality": 85, "progressive": True}),
                ("jpg", "L", {}),
                ("jpg", "CMYK", {}),
                ("png", "RGB", {}),
                ("gif", "P", {}),
                ("jpg", "RGB", {"quality": 90, "comment": "kept in the original only"}),
            ]
        ):
            noise = rng.integers(0, 256, (60 + 97 * i, 640 - 41 * i, 3), dtype=np.uint8)
            image = Image.fromarray(noise).resize((640 - 40 * i, 60 + 97 * i))
            image.convert(mode).save(source / name / f"{i}.{suffix}", **options)


def check_real_pictures(work):
    data = os.environ.get("FT_TEST_DATA")
    if not data:
        print("real pictures not compared: FT_TEST_DATA is not set")
        return
    for name in ("hotdog", "hymenoptera_data"):
        source = pathlib.Path(data) / name / "train"
        print(f"{name}: {check_restart_index(source, work / name)}")
        print(f"{name}: {check_raw(source, work / name, 256)} resampled to at most 256 pixels a side")


with tempfile.TemporaryDirectory() as directory:
    work = pathlib.Path(directory)
    make_pictures(work / "src")
    print(f"made pictures: {check_restart_index(work / 'src', work)}")
    for limit in (None, 256, 7):
        check_raw(work / "src", work, limit)
    check_real_pictures(work)
print("ok")
