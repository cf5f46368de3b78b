"""Importing pictures: the pixels, and the refusals, of Pillow's Image.open(f).convert("RGB").

    test_importers.py PROBE

Every case is a file that import_cases.py makes, of every container, pixel format, compression, damage and
cut that the makers know; where FT_TEST_DATA is set, the files of its `nasty` folder follow, against their manifest.
"""

import csv
import hashlib
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import import_cases
from PIL import Image

SUPPORTED = {"JPEG", "MPO", "PNG", "WEBP", "BMP", "TIFF", "GIF"}

# Where this project deliberately differs from Pillow: the beginning of a case's name, why, and how the refusal reads.
REFUSED_ON_PURPOSE = {
    "tiff/lab": ("CIELab needs a colour management library for a format that no one photographs in", "unsupported: TIFF"),
    "tiff/ycbcr-none": ("YCbCr without compression is not worth Pillow's own conversion tables", "unsupported: TIFF"),
    "tiff/planar-none-16": ("Pillow misreads these planes as bytes and returns noise", "unsupported: TIFF"),
    "tiff/planar-idle": ("one idle plane: Pillow divides by it or not, by whether the file has a tag", "unsupported: TIFF"),
    "tiff/swapped-samples": ("big-endian and compressed: Pillow swaps the bytes of such samples once too often", "unsupported: TIFF"),
    "tiff/1+cut": ("a directory cut short: Pillow goes on without the tags it lost, libtiff does not", "broken TIFF"),
    "tiff/swapped-magic": ("an invalid header that Pillow forgives", "unsupported: TIFF"),
    "bmp/dib": ("a BMP without its file header is no file format", "unsupported: DIB"),
    "jpeg/many-scans": ("each scan costs a pass over the picture: a small file could hang a packer for hours", "too costly: "),
    "other/": ("containers that are not in the list of supported ones", "unsupported: "),
}


# Progressive JPEGs whose last scans are missing: libjpeg-turbo guesses the missing detail from neighbouring blocks,
# and version 3, which Pillow brings, guesses a little differently from Debian's 2.1. Complete files are exact.
UNFINISHED = ("jpeg/unfinished", "nasty/progressive_scan001.jpeg")
UNFINISHED_LEVELS = 12


def oracle(path):
    """(size, RGB bytes, oriented), or the error that Pillow raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path) as image:
                container = image.format
                oriented = container != "TIFF" and image.getexif().get(0x0112) in range(2, 9)
                rgb = image.convert("RGB")
        except Exception as error:  # whatever it is, Pillow refuses
            return error
    return rgb.size, rgb.tobytes(), oriented


def probe(program, paths, folder):
    """What the importers answer for each path: fields, and the pixels where there are any."""
    pixels = [folder / f"{i}.rgb" for i in range(len(paths))]
    lines = "".join(f"{path}\t{out}\n" for path, out in zip(paths, pixels))
    result = subprocess.run([program], input=lines, capture_output=True, text=True)
    answers = result.stdout.splitlines()
    if result.returncode != 0 or len(answers) != len(paths):
        dead = paths[len(answers)] if len(answers) < len(paths) else "the end"
        sys.exit(f"FAIL: the probe died at {dead}: {result.returncode} {result.stderr}")
    for answer, out in zip(answers, pixels):
        fields = answer.split("\t")
        yield fields, out.read_bytes() if fields[0] == "ok" else b""


def complaint(expected, fields, pixels, name):
    """None, or how the answer differs from what is expected."""
    for prefix, (_, refusal) in REFUSED_ON_PURPOSE.items():
        if name.startswith(prefix):
            if fields[0] == "refused" and fields[1].startswith(refusal):
                return None
            return f"should be refused as '{refusal}...', is {fields}"
    if isinstance(expected, Exception):
        return None if fields[0] == "refused" else f"is imported; Pillow refuses: {expected!r}"
    if fields[0] == "refused":
        return f"is refused: {fields[1]}; Pillow loads it"
    size, rgb, oriented = expected
    if (int(fields[1]), int(fields[2])) != size:
        return f"is {fields[1]}x{fields[2]}, should be {size[0]}x{size[1]}"
    levels = max(abs(a - b) for a, b in zip(pixels, rgb)) if pixels != rgb else 0
    if levels > (UNFINISHED_LEVELS if name.startswith(UNFINISHED) else 0):
        return f"{sum(a != b for a, b in zip(pixels, rgb))} of {len(rgb)} bytes differ, by up to {levels}"
    if (fields[5] == "1") != oriented:
        return f"says exif_oriented {fields[5]}, Pillow says {oriented}"
    if (fields[3] == "1") != (fields[4] == ""):
        return f"codec {fields[3]} does not go with '{fields[4]}'"
    return None


def check_made(program, folder):
    cases = list(import_cases.all_cases())
    paths = []
    for i, (name, data) in enumerate(cases):
        paths.append(folder / f"{i}.bin")
        paths[-1].write_bytes(data)
    failures, refused = [], 0
    for (name, _), path, (fields, pixels) in zip(cases, paths, probe(program, paths, folder)):
        refused += fields[0] == "refused"
        wrong = complaint(oracle(path), fields, pixels, name)
        if wrong:
            failures.append(f"{name}: {wrong}")
    print(f"{len(cases)} made files, {refused} of them refused, {len(failures)} failures")
    unused = [p for p in REFUSED_ON_PURPOSE if not any(name.startswith(p) for name, _ in cases)]
    return failures + [f"no case for the exception {p}" for p in unused]


def check_nasty(program, nasty, folder):
    with open(nasty / "manifest.tsv", encoding="utf-8") as manifest:
        rows = list(csv.DictReader(manifest, delimiter="\t"))
    failures = []
    for row, (fields, pixels) in zip(rows, probe(program, [nasty / row["file"] for row in rows], folder)):
        loads = row["rgb_sha256"] != "" and row["pil_format"] in SUPPORTED
        if (fields[0] == "ok") != loads:
            failures.append(f"nasty/{row['file']}: {fields}, Pillow: {row['pil_info']}")
        elif f"nasty/{row['file']}" in UNFINISHED:
            wrong = complaint(oracle(nasty / row["file"]), fields, pixels, f"nasty/{row['file']}")
            failures += [f"nasty/{row['file']}: {wrong}"] if wrong else []
        elif loads and hashlib.sha256(pixels).hexdigest() != row["rgb_sha256"]:
            failures.append(f"nasty/{row['file']}: other pixels than Pillow's")
        elif loads and (fields[5] == "1") != any(f"orient={n}" in row["pil_info"] for n in range(2, 9)):
            failures.append(f"nasty/{row['file']}: exif_oriented {fields[5]}, Pillow: {row['pil_info']}")
        if "-v" in sys.argv:
            print(row["file"], fields)
    print(f"{len(rows)} nasty files, {len(failures)} failures")
    return failures


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        failures = check_made(program, Path(folder))
        data = os.environ.get("FT_TEST_DATA")
        if data:
            failures += check_nasty(program, Path(data) / "nasty", Path(folder))
        else:
            print("FT_TEST_DATA is not set: the nasty files are not tried")
    for failure in failures:
        print("FAIL", failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
