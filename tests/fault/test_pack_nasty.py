"""Packing files that break readers: each is stored or skipped by name with one line of reason, within its time and 256 MiB.

usage: test_pack_nasty.py FT_PACK SUPPORT_DIR

FT_TEST_DATA names a folder of real pictures; its nasty/ ones are packed too where it is set.
"""

import csv
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.insert(0, sys.argv[2])
from ft_faults import run_checks  # noqa: E402

FT_PACK = sys.argv[1]
MEMORY_MIB, SECONDS = 256, 20


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width, height, data, depth=8, colour=2, before=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", data) + chunk(b"IEND", b"")


GOOD = png(2, 2, zlib.compress(bytes(2 * 7)))
BOMB = zlib.compress(bytes(40 << 20))


def bmp(width, height):
    return b"BM" + bytes(8) + struct.pack("<IIiiHHIIiiII", 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def gif(width, height, data):
    return (b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + b"\x0a\x14\x1e\xc8\xd2\xdc,"
            + struct.pack("<HHHHB", 0, 0, width, height, 0) + data)


def tiff(*tags, next_ifd=0):
    """A directory of LONG tags (number, value); the number of values is 1, or the third entry."""
    entries = [struct.pack("<HHII", tag[0], 4, tag[2] if len(tag) > 2 else 1, tag[1]) for tag in sorted(tags)]
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + struct.pack("<I", next_ifd)


def grey_tiff(width, height, rows=None, offsets=(273, 8), counts=(279, 8), **more):
    return tiff((256, width), (257, height), (258, 8), (259, 1), (262, 1), offsets, (277, 1), (278, rows or height), counts, **more)


def vp8l(width, height):
    bits = (width - 1) | (height - 1) << 14
    body = b"\x2f" + struct.pack("<I", bits) + bytes(8)
    body += bytes(len(body) % 2)
    return b"RIFF" + struct.pack("<I", 12 + len(body)) + b"WEBPVP8L" + struct.pack("<I", len(body)) + body


def vp8x(width, height):
    body = b"\x02\0\0\0" + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    frame = bytes(16) + vp8l(1, 1)[12:]
    chunks = b"VP8X" + struct.pack("<I", 10) + body + b"ANIM\x06\0\0\0" + bytes(6) + b"ANMF" + struct.pack("<I", len(frame)) + frame
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg(width, height, scans, frame=0xC0, bits=8, last=b"\xff\xd9"):
    """Grey, one quantiser, Huffman tables of one code each: '0' is a DC difference of 0, and the end of a block."""
    tables = segment(0xDB, bytes([0]) + bytes([1] * 64)) + segment(0xC4, bytes([0, 1] + [0] * 15 + [0])) + segment(
        0xC4, bytes([0x10, 1] + [0] * 15 + [0]))
    header = segment(frame, bytes([bits]) + struct.pack(">HH", height, width) + bytes([1, 1, 0x11, 0]))
    return b"\xff\xd8" + tables + header + b"".join(scans) + last


def scan(first=0, last_coefficient=63, approximation=0, data=b"\0" * 8):
    return segment(0xDA, bytes([1, 1, 0, first, last_coefficient, approximation])) + data


# What it is called, its bytes, and how the reason begins (None: Pillow decodes it, so it is stored).
BAD_FILES = (
    ("huge.png", png(60000, 60000, b""), "too large: the PNG claims 60000 x 60000"),
    ("bomb.png", png(13000, 13000, zlib.compress(bytes(1000))), "too large: a PNG of "),
    ("bomb_of_bits.png", png(40000, 4000, zlib.compress(bytes(4000 * 5001)), depth=1, colour=0), "too large: a PNG of "),
    ("large_and_flat.png", png(8000, 6000, zlib.compress(bytes(6000 * 1001)), depth=1, colour=0), None),
    ("zip_bomb_profile.png", png(2, 2, zlib.compress(bytes(14)), before=chunk(b"iCCP", b"x\0\0" + BOMB)), "broken PNG: iCCP"),
    ("zip_bomb_text.png", png(2, 2, zlib.compress(bytes(14)), before=chunk(b"zTXt", b"x\0\0" + BOMB)), "broken PNG: zTXt"),
    ("zip_bomb_pixels.png", png(2, 2, BOMB), None),
    ("huge.bmp", bmp(60000, 60000), "too large: the BMP"),
    ("no_pixels.bmp", bmp(13000, 13000), "t"),
    ("huge.gif", gif(65535, 65535, b"\x02\0;"), "too large: the GIF"),
    ("bomb.gif", gif(13000, 13000, b"\x02\x03\x0c\x10\x05\0;"), "too large: a GIF of "),
    ("bad_codes.gif", gif(2, 2, b"\x02\x03\xff\xff\xff\0;"), "broken GIF: damaged image data"),
    ("wide_codes.gif", gif(2, 2, b"\xff\x03\x0c\x10\x05\0;"), "broken GIF: codes of 255 bits"),
    ("huge.tif", grey_tiff(60000, 60000), "too large: the TIFF"),
    ("bomb.tif", grey_tiff(13000, 13000), "too large: a TIFF of "),
    ("circle.tif", grey_tiff(4, 4, next_ifd=8, counts=(279, 16)), None),
    ("strips_without_end.tif", grey_tiff(4, 4, offsets=(273, 8, 2**32 - 1), counts=(279, 8, 2**32 - 1)), "broken TIFF"),
    ("a_strip_a_row.tif", grey_tiff(1, 100_000_000, rows=1), "too large: a TIFF of |broken TIFF"),
    ("huge.webp", vp8l(16383, 16383), "too large: the WebP"),
    ("bomb.webp", vp8l(13000, 13000), "too large: a WebP of "),
    ("huge_animation.webp", vp8x(1 << 24, 1 << 24), "too large|broken WebP"),
    ("bomb_animation.webp", vp8x(13000, 13000), "too large|broken WebP"),
    ("huge.jpg", jpeg(65500, 65500, [scan()]), "too large: the JPEG"),
    ("bomb.jpg", jpeg(65500, 2700, [scan()]), "too large: a JPEG of "),
    ("bomb_progressive.jpg", jpeg(6000, 6000, [scan(0, 0)], frame=0xC2), "too large: a JPEG of "),
    ("scans.jpg", jpeg(64, 64, [scan(0, 0)] + 600 * [scan(1, 63)], frame=0xC2), "too costly: JPEG of more than 500 scans"),
    ("costly_scans.jpg", jpeg(4000, 4000, [scan(0, 0)] + 400 * [scan(1, 63)], frame=0xC2), "too costly: JPEG of 16000000 pixels"),
    ("slow_scans.jpg", jpeg(1000, 1000, [scan(0, 0)] + 498 * [scan(1, 63)], frame=0xC2), None),
    ("twelve_bits.jpg", jpeg(8, 8, [scan()], frame=0xC1, bits=12), "unsupported: JPEG of 12 bits"),
    ("lossless.jpg", jpeg(8, 8, [scan()], frame=0xC3), "unsupported: lossless JPEG"),
    ("hierarchical.jpg", jpeg(8, 8, [scan()], frame=0xC5), "."),
    ("no_scan.jpg", jpeg(8, 8, []), "truncated JPEG|broken JPEG"),
    ("cut.jpg", jpeg(800, 800, [scan()], last=b""), "JPEG is truncated"),
    ("empty.jpg", b"", "empty file"),
    ("marker_alone.jpg", b"\xff\xd8\xff", "truncated JPEG"),
)


def pack(folder, *options):
    """ft_pack pack FOLDER; its exit code, stderr, peak memory in MiB and seconds."""
    out = folder.parent / (folder.name + "-packed")
    with tempfile.TemporaryFile() as stderr:
        started = time.monotonic()
        process = subprocess.Popen([FT_PACK, "pack", folder, "--out", out, "--workers", "1", *options],
                                   stdout=subprocess.DEVNULL, stderr=stderr)
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - started > 3 * SECONDS:
                process.kill()
            time.sleep(0.005)
        process.returncode = os.waitstatus_to_exitcode(status)
        stderr.seek(0)
        text = stderr.read().decode(errors="replace")
    return process.returncode, text, usage.ru_maxrss / 1024, time.monotonic() - started, out


class Bench:
    def __init__(self, work):
        self.work, self.count = work, 0

    def folder(self):
        """SRC with one good picture in each of two classes, so that what is added decides nothing but itself."""
        self.count += 1
        root = self.work / f"src-{self.count}"
        for name in ("bad", "good"):
            (root / name).mkdir(parents=True)
            (root / name / "0good.png").write_bytes(GOOD)
        return root

    def manifest_of(self, root, what):
        code, text, memory, seconds, out = pack(root, "--on-error", "skip")
        assert code == 0, f"{what}: exit {code}\n{text}"
        assert memory <= MEMORY_MIB, f"{what}: {memory:.0f} MiB"
        assert seconds <= SECONDS, f"{what}: {seconds:.1f} s"
        print(f"  {what:<28}{memory:6.0f} MiB{seconds:7.2f} s", end="  ")
        return json.loads((out / "manifest.json").read_text())


def reasons(manifest):
    return {note["path"]: note["reason"] for note in manifest["skipped"]}


def check_files_made_to_break(bench):
    for name, content, reason in BAD_FILES:
        root = bench.folder()
        (root / "bad" / name).write_bytes(content)
        manifest = bench.manifest_of(root, name)
        skipped = reasons(manifest)
        print(skipped or "stored")
        if reason is None:
            assert not skipped and manifest["counts"] == [2, 1], f"{name}: {skipped}"
        else:
            assert list(skipped) == ["bad/" + name], f"{name}: {skipped}"
            assert re.match(reason, skipped["bad/" + name]), f"{name}: {skipped}"
            assert "\n" not in skipped["bad/" + name], skipped


def check_one_of_them_ends_a_strict_pack(bench):
    root = bench.folder()
    (root / "bad" / "bomb.png").write_bytes(dict((name, content) for name, content, _ in BAD_FILES)["bomb.png"])
    code, text, _, _, out = pack(root, "--on-error", "fail")
    assert code == 3 and re.search(r"error: bad/bomb\.png: too large", text), text
    assert not out.exists()


def check_what_is_no_file(bench):
    root = bench.folder()
    bad = root / "bad"
    os.mkfifo(bad / "pipe.jpg")
    (bad / "folder.jpg").mkdir()
    (bad / "gone.jpg").symlink_to("nowhere.jpg")
    (bad / "itself.jpg").symlink_to("itself.jpg")
    (bad / "up").symlink_to("..")
    with open(bad / "sparse.jpg", "wb") as stream:
        stream.truncate(4 << 30)
    skipped = reasons(bench.manifest_of(root, "what is no file"))
    print(skipped)
    for name, reason in (("pipe", "not a plain file"), ("gone", "No such file"), ("itself", "(?i)symbolic links"), ("sparse", "larger than 1 GiB")):
        assert re.search(reason, skipped[f"bad/{name}.jpg"]), skipped


def check_names(bench):
    root = bench.folder()
    for name in (b"new\nline.jpg", b"not \xff utf-8.jpg", b"\x1b[31mred.jpg", b"q\"uote\\.jpg"):
        with open(os.fsencode(root / "bad") + b"/" + name, "wb") as stream:
            stream.write(b"GIF89a")
    skipped = reasons(bench.manifest_of(root, "strange names"))
    print()
    assert len(skipped) == 4 and any("not \\xff utf-8" in path for path in skipped), skipped
    assert not any(re.search(r"[\x00-\x1f]", path) for path in skipped), skipped
    code, text, _, _, _ = pack(root.rename(root.parent / "strict"), "--on-error", "fail")
    assert code == 3 and len([line for line in text.splitlines() if "error:" in line]) == 1, text


def check_a_file_that_is_being_written(bench):
    """It shrinks, grows and changes while it is packed: stored or skipped, as it was found, and verify agrees."""
    root = bench.folder()
    file = root / "bad" / "moving.png"
    picture = png(300, 300, zlib.compress(os.urandom(300 * 901), 0))
    file.write_bytes(picture)
    for _ in range(5):
        process = subprocess.Popen([FT_PACK, "pack", root, "--out", root.parent / "moving"], stderr=subprocess.PIPE, text=True,
                                   stdout=subprocess.DEVNULL)
        while process.poll() is None:
            for content in (picture[:1000], picture, picture + picture):
                file.write_bytes(content)
        assert process.returncode == 0, process.stderr.read()
        subprocess.run([FT_PACK, "verify", root.parent / "moving"], check=True, capture_output=True)
        subprocess.run(["rm", "-rf", root.parent / "moving"], check=True)


def check_real_ones(bench):
    data = os.environ.get("FT_TEST_DATA")
    if not data:
        print("  skipped: FT_TEST_DATA does not name a folder of real pictures")
        return
    with open(pathlib.Path(data) / "nasty" / "manifest.tsv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    for row in rows:
        root = bench.folder()
        (root / "bad" / row["file"]).symlink_to(pathlib.Path(data).resolve() / "nasty" / row["file"])
        skipped = reasons(bench.manifest_of(root, row["file"]))
        print(skipped or "stored")
        unsupported = any(reason.startswith("unsupported") for reason in skipped.values())
        assert bool(skipped) == (row["rgb_sha256"] == "") or unsupported, f"{row['file']}: {row['pil_info']}, but {skipped}"


def main():
    with tempfile.TemporaryDirectory() as folder:
        checks = [value for name, value in globals().items() if name.startswith("check_")]
        return run_checks(checks, Bench(pathlib.Path(folder)))


sys.exit(main())
