"""Picture files for test_importers.py: (name, bytes), the same on every run."""

import io
import random
import struct
import zlib

import numpy as np
from PIL import Image

SIZES = [(1, 1), (2, 3), (7, 5), (16, 16), (17, 33), (101, 67)]


def picture(mode, size, seed=1):
    """A smooth picture with some noise on it: random bytes alone would not exercise upsampling."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    bands = [(x * (3 + i) + y * (5 - i)) % 256 + rng.integers(-20, 20, x.shape) for i in range(4)]
    rgba = np.clip(np.stack(bands, -1), 0, 255).astype(np.uint8)
    if mode in ("I;16", "I", "F"):
        wide = rgba[..., 0].astype(np.int64) * 3 - 100 + rgba[..., 1]
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        return Image.fromarray((np.clip(wide, 0, 65535) if mode == "I;16" else wide).astype(kind))
    if mode == "CMYK":
        return Image.frombytes("CMYK", size, rgba.tobytes())
    image = Image.fromarray(rgba)
    if mode == "PA":
        return image.convert("RGB").quantize(50)
    return image if mode == "RGBA" else image.convert("LA" if mode == "LA" else "RGB").convert(mode)


def saved(image, container, **options):
    out = io.BytesIO()
    image.save(out, container, **options)
    return out.getvalue()


def damaged(name, data, seed, cuts=12, flips=12, keep=0):
    """Cut at various places, with bytes changed, with junk behind."""
    rng = random.Random(seed)
    yield f"{name}+junk", data + bytes(4096)
    yield f"{name}+more", data + data
    for cut in sorted({rng.randrange(1, len(data)) for _ in range(cuts)} | set(range(len(data) - 14, len(data)))):
        yield f"{name}+cut{cut}of{len(data)}", data[: max(cut, 0)]
    for i in range(flips):
        broken = bytearray(data)
        for _ in range(rng.choice((1, 1, 3))):
            broken[rng.randrange(keep, len(data))] = rng.randrange(256)
        yield f"{name}+flip{i}", bytes(broken)


# JPEG


def with_segment(jpeg, marker, body):
    return jpeg[:2] + bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def without_segment(jpeg, marker):
    at = jpeg.index(bytes((0xFF, marker)))
    return jpeg[:at] + jpeg[at + 2 + struct.unpack_from(">H", jpeg, at + 2)[0] :]


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


def jpeg_cases():
    for size in SIZES:
        for mode in ("L", "RGB", "CMYK"):
            for sampling in ("4:4:4", "4:2:2", "4:2:0") if mode == "RGB" else ("4:4:4",):
                for options in ({}, {"progressive": True}, {"restart_marker_blocks": 2}, {"quality": 20}):
                    data = saved(picture(mode, size), "JPEG", subsampling=sampling, **options)
                    yield f"jpeg/{mode}-{size}-{sampling}-{options}", data
    rgb = saved(picture("RGB", (40, 30)), "JPEG")
    yield "jpeg/keep-rgb", saved(picture("RGB", (40, 30)), "JPEG", keep_rgb=True)
    # 4:1:1 and 4:4:0 by changing the sampling factors of the luma: the data then ends early or late, but decodes.
    frame = rgb.index(b"\xff\xc0")
    for factors in (0x41, 0x12, 0x14, 0x42, 0x24, 0x22, 0x11):
        yield f"jpeg/factors-{factors:02x}", rgb[: frame + 11] + bytes((factors,)) + rgb[frame + 12 :]
    cmyk = saved(picture("CMYK", (40, 30)), "JPEG")
    adobe = cmyk.index(b"Adobe")
    yield "jpeg/ycck", cmyk[: adobe + 11] + b"\2" + cmyk[adobe + 12 :]
    yield "jpeg/cmyk-without-adobe", without_segment(cmyk, 0xEE)
    yield "jpeg/rgb-without-jfif", without_segment(rgb, 0xE0)
    for orientation in range(0, 10):
        yield f"jpeg/exif-{orientation}", saved(picture("RGB", (9, 5)), "JPEG", exif=exif(orientation))
    yield "jpeg/exif-cut", with_segment(rgb, 0xE1, exif(6)[:20])
    yield "jpeg/exif-empty", with_segment(rgb, 0xE1, b"Exif\0\0")
    yield "jpeg/adobe-cut", with_segment(rgb, 0xEE, b"Adobe\0")
    yield "jpeg/jfif-cut", with_segment(without_segment(rgb, 0xE0), 0xE0, b"JFIF\0")
    yield "jpeg/segment-length-0", with_segment(rgb, 0xFE, b"").replace(b"\xff\xfe\0\2", b"\xff\xfe\0\0")
    yield "jpeg/segment-length-1", with_segment(rgb, 0xFE, b"").replace(b"\xff\xfe\0\2", b"\xff\xfe\0\1")
    yield "jpeg/marker-01", rgb[:2] + b"\xff\x01" + rgb[2:]
    yield "jpeg/fill-bytes", rgb[:2] + b"\xff\xff\xff\xff" + rgb[2:]
    yield "jpeg/junk-between", rgb[:20] + b"junk\xff\0junk" + rgb[20:]
    yield "jpeg/two-frames", rgb[:frame] + rgb[frame : frame + 19] + rgb[frame:]
    yield "jpeg/no-frame", rgb[:frame] + rgb[frame + 19 :]
    yield "jpeg/12-bit", rgb[: frame + 4] + b"\x0c" + rgb[frame + 5 :]
    yield "jpeg/two-components", rgb[: frame + 9] + b"\2" + rgb[frame + 10 :]
    yield "jpeg/no-width", rgb[: frame + 7] + b"\0\0" + rgb[frame + 9 :]
    yield "jpeg/no-height", rgb[: frame + 5] + b"\0\0" + rgb[frame + 7 :]
    yield "jpeg/taller", rgb[: frame + 5] + b"\1\0" + rgb[frame + 7 :]
    yield "jpeg/bomb", rgb[: frame + 5] + b"\xff\xff\xff\xff" + rgb[frame + 9 :]
    yield "jpeg/mpo", saved(picture("RGB", (20, 10)), "MPO", save_all=True, append_images=[picture("RGB", (20, 10), 2)])
    progressive = saved(picture("RGB", (61, 47)), "JPEG", progressive=True)
    scans = [i for i in range(len(progressive)) if progressive[i : i + 2] == b"\xff\xda"]
    for kept in range(1, len(scans)):
        yield f"jpeg/unfinished-{kept}", progressive[: scans[kept]] + b"\xff\xd9"
    yield "jpeg/many-scans", progressive[: scans[1]] + progressive[scans[1] : scans[2]] * 600 + b"\xff\xd9"
    for i, options in enumerate(({}, {"progressive": True}, {"restart_marker_blocks": 3})):
        for mode in ("L", "RGB", "CMYK"):
            data = saved(picture(mode, (61, 47)), "JPEG", **options)
            yield from damaged(f"jpeg/{mode}-{options}", data, seed=i, keep=3)
    big = saved(picture("RGB", (400, 300)), "JPEG", quality=95)
    yield from damaged("jpeg/big", big, seed=9, flips=20, keep=700)


# PNG


def chunk(name, body, checksum=None):
    checksum = zlib.crc32(name + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png_rows(size, depth, colour, interlaced, rng):
    """Random rows under random filters: every such stream is a valid picture."""
    out = b""
    for left, top, column, row in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        columns, rows = -((left - size[0]) // column), -((top - size[1]) // row)
        if columns > 0:
            row_bytes = (columns * depth * CHANNELS[colour] + 7) // 8
            out += b"".join(bytes((rng.randrange(5),)) + rng.randbytes(row_bytes) for _ in range(max(rows, 0)))
    return out


def header(size, depth, colour, interlaced=0, method=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, method, interlaced))


def image_data(rows, pieces=1):
    packed = zlib.compress(rows)
    step = max(1, -(-len(packed) // pieces))
    return b"".join(chunk(b"IDAT", packed[i : i + step]) for i in range(0, len(packed), step))


def png(size, depth, colour, interlaced=0, before=b"", after=b"", pieces=1, seed=3):
    rows = png_rows(size, depth, colour, interlaced, random.Random(seed))
    end = chunk(b"IEND", b"")
    return PNG_SIGNATURE + header(size, depth, colour, interlaced) + before + image_data(rows, pieces) + after + end


def png_cases():
    rng = random.Random(5)
    palette = chunk(b"PLTE", rng.randbytes(768))
    for colour, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
        for depth in depths:
            for size in SIZES:
                for interlaced in (0, 1):
                    name = f"png/{colour}-{depth}-{size}-{interlaced}"
                    yield name, png(size, depth, colour, interlaced, before=palette if colour == 3 else b"", pieces=3)
    small = (13, 11)
    for depth in (1, 2, 4, 8, 3, 16, 0):
        for colour in (0, 1, 2, 3, 4, 5, 6, 7):
            rows = rng.randbytes(4096)
            yield f"png/any-{colour}-{depth}", PNG_SIGNATURE + header(small, depth, colour) + image_data(b"\0" * 2000 + rows)
    for name, body in {"short": palette[:20], "none": b"", "long": chunk(b"PLTE", bytes(771)), "odd": chunk(b"PLTE", bytes(range(61)))}.items():
        if name == "short":
            body = chunk(b"PLTE", rng.randbytes(9))
        yield f"png/palette-{name}", png(small, 8, 3, before=body)
    for colour in (0, 2, 3):
        for length in (0, 1, 2, 5, 6, 20, 300):
            before = (palette if colour == 3 else b"") + chunk(b"tRNS", rng.randbytes(length))
            yield f"png/trns-{colour}-{length}", png(small, 8, colour, before=before)
    yield "png/trns-single", png(small, 8, 3, before=palette + chunk(b"tRNS", b"\xff\xff\0"))
    yield "png/trns-16", png(small, 16, 0, before=chunk(b"tRNS", b"\1\2"))
    yield "png/trns-1", png(small, 1, 0, before=chunk(b"tRNS", b"\0\1"))
    yield from png_text_cases(small)
    yield from png_structure_cases(small, rng)
    yield from png_animation_cases()
    for colour, depth, interlaced in ((2, 8, 0), (6, 8, 1), (3, 4, 0), (0, 16, 1)):
        text = chunk(b"tEXt", b"Comment\0trailing text")
        data = png((31, 23), depth, colour, interlaced, before=palette if colour == 3 else b"", after=text, pieces=4)
        yield from damaged(f"png/{colour}-{depth}-{interlaced}", data, seed=colour, cuts=30, flips=40, keep=8)
    smooth = saved(picture("RGB", (300, 200)), "PNG")
    yield from damaged("png/smooth", smooth, seed=77, cuts=10, flips=20, keep=8)
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        yield f"png/pillow-{mode}", saved(picture(mode, (33, 21)), "PNG")
    for orientation in (1, 3, 8):
        yield f"png/exif-{orientation}", saved(picture("RGB", (9, 5)), "PNG", exif=exif(orientation))


def png_text_cases(small):
    bomb, fits = zlib.compress(bytes(1 << 22)), zlib.compress(bytes(1 << 20))
    texts = {
        "ztxt-bomb": chunk(b"zTXt", b"key\0\0" + bomb),
        "ztxt-fits": chunk(b"zTXt", b"key\0\0" + fits),
        "ztxt-method": chunk(b"zTXt", b"key\0\1" + fits),
        "ztxt-damaged": chunk(b"zTXt", b"key\0\0" + b"damaged"),
        "ztxt-cut": chunk(b"zTXt", b"key\0\0" + fits[:50]),
        "ztxt-bare": chunk(b"zTXt", b"key"),
        "ztxt-nothing": chunk(b"zTXt", b"key\0"),
        "itxt-bomb": chunk(b"iTXt", b"key\0\1\0\0\0" + bomb),
        "itxt-plain": chunk(b"iTXt", b"key\0\0\0\0\0" + b"text"),
        "itxt-method": chunk(b"iTXt", b"key\0\1\7\0\0" + bomb),
        "itxt-short": chunk(b"iTXt", b"key\0\1"),
        "itxt-no-language": chunk(b"iTXt", b"key\0\1\0english"),
        "iccp": chunk(b"iCCP", b"profile\0\0" + fits),
        "iccp-bomb": chunk(b"iCCP", b"profile\0\0" + bomb),
        "iccp-method": chunk(b"iCCP", b"profile\0\1" + fits),
        "iccp-damaged": chunk(b"iCCP", b"profile\0\0damaged"),
        "iccp-bare": chunk(b"iCCP", b"profile"),
        "iccp-nameless": chunk(b"iCCP", b"profile\0"),
        "text": chunk(b"tEXt", b"key\0value"),
        "text-bare": chunk(b"tEXt", b"key"),
        "text-66-mib": chunk(b"tEXt", b"key\0" + bytes(1 << 20)) * 66,
        "text-60-mib": chunk(b"tEXt", b"key\0" + bytes(1 << 20)) * 60,
        "unknown": chunk(b"abCd", b"whatever") + chunk(b"XYZW", b"critical"),
        "bad-name": chunk(b"a!Cd", b"whatever"),
        "bad-checksum": chunk(b"tEXt", b"key\0value", checksum=1),
    }
    for short, length in {"gAMA": 3, "cHRM": 31, "sRGB": 0, "pHYs": 8, "acTL": 7, "fcTL": 25}.items():
        texts[f"{short}-short"] = chunk(short.encode(), bytes(length))
        texts[f"{short}-full"] = chunk(short.encode(), bytes(length + 1))
    for name, body in texts.items():
        yield f"png/before-{name}", png(small, 8, 2, before=body)
        yield f"png/after-{name}", png(small, 8, 2, after=body)


def png_structure_cases(small, rng):
    rows = png_rows(small, 8, 2, 0, rng)
    start, end = PNG_SIGNATURE + header(small, 8, 2), chunk(b"IEND", b"")
    packed = zlib.compress(rows)
    row = 1 + 3 * small[0]
    yield "png/no-end", start + image_data(rows)
    yield "png/no-data", start + end
    yield "png/no-header", PNG_SIGNATURE + image_data(rows) + end
    yield "png/short-header", PNG_SIGNATURE + chunk(b"IHDR", bytes(12)) + image_data(rows) + end
    yield "png/filter-method", PNG_SIGNATURE + header(small, 8, 2, method=1) + image_data(rows) + end
    yield "png/interlace-2", PNG_SIGNATURE + header(small, 8, 2, interlaced=2) + image_data(rows * 2) + end
    yield "png/data-checksum", start + chunk(b"IDAT", packed, checksum=0) + end
    yield "png/bad-filter", start + image_data(b"\5" + rows[1:]) + end
    yield "png/more-rows", start + image_data(rows + rows) + end
    yield "png/no-adler", start + chunk(b"IDAT", packed[:-4]) + end
    yield "png/wrong-adler", start + chunk(b"IDAT", packed[:-4] + b"\0\0\0\0") + end
    yield "png/empty-pieces", start + chunk(b"IDAT", b"") + image_data(rows, 5) + chunk(b"IDAT", b"") + end
    yield "png/interrupted", start + chunk(b"IDAT", packed[:99]) + chunk(b"tEXt", b"a\0b") + chunk(b"IDAT", packed[99:]) + end
    yield "png/ends-after-row", start + image_data(rows[: 4 * row]) + end
    yield "png/ends-in-row", start + image_data(rows[: 4 * row + 7]) + end
    yield "png/two-headers", start + header((5, 4), 8, 2) + image_data(rows) + end
    yield "png/zero-width", PNG_SIGNATURE + header((0, 4), 8, 2) + image_data(rows) + end
    yield "png/bomb", PNG_SIGNATURE + header((20000, 20000), 8, 2) + image_data(rows) + end
    yield "png/huge-chunk", start + b"\xff\xff\xff\xfftEXtabc"
    yield "png/signature-only", PNG_SIGNATURE


def png_animation_cases():
    frames = [picture("RGBA", (20, 14), i) for i in range(3)]
    yield "png/apng", saved(frames[0], "PNG", save_all=True, append_images=frames[1:], disposal=1, blend=1)
    yield "png/apng-default", saved(frames[0], "PNG", save_all=True, append_images=frames[1:], default_image=True)
    control = chunk(b"acTL", struct.pack(">II", 2, 0))

    def frame(number, width, height, left, top):
        return chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, width, height, left, top, 1, 10, 0, 0))

    rng = random.Random(1)
    for name, box in {"inside": (9, 6, 4, 3), "beyond": (9, 6, 15, 3), "empty": (0, 6, 4, 3), "whole": (20, 14, 0, 0)}.items():
        for interlaced in (0, 1):
            rows = png_rows(box[:2], 8, 2, interlaced, rng) if box[0] else b"\0"
            data = PNG_SIGNATURE + header((20, 14), 8, 2, interlaced) + control + frame(0, *box) + image_data(rows)
            yield f"png/frame-{name}-{interlaced}", data + chunk(b"IEND", b"")
    rows = png_rows((20, 14), 8, 2, 0, rng)
    start, end = PNG_SIGNATURE + header((20, 14), 8, 2), chunk(b"IEND", b"")
    yield "png/frame-number", start + control + frame(1, 20, 14, 0, 0) + image_data(rows) + end
    yield "png/frame-after", start + control + image_data(rows) + frame(0, 2, 2, 0, 0) + chunk(b"zTXt", b"k\0\7") + end
    yield "png/frame-after-still", start + image_data(rows) + frame(7, 2, 2, 0, 0) + end
    yield "png/frame-data-first", start + control + frame(0, 20, 14, 0, 0) + chunk(b"fdAT", b"\0\0\0\1" + zlib.compress(rows)) + end
    yield "png/frame-data-number", start + control + frame(0, 20, 14, 0, 0) + chunk(b"fdAT", b"\0\0\0\2" + zlib.compress(rows)) + end
    yield "png/frame-data-trailing", start + image_data(rows) + chunk(b"fdAT", b"\0\0\0\2abc") + end


# WebP


def webp_cases():
    for size in SIZES:
        for mode in ("L", "RGB", "RGBA", "LA", "P"):
            for options in ({"lossless": True}, {"lossless": True, "exact": True}, {"quality": 30}, {"quality": 90, "method": 6}):
                yield f"webp/{mode}-{size}-{options}", saved(picture(mode, size), "WEBP", **options)
    frames = [picture("RGBA", (41, 29), i) for i in range(3)]
    for options in ({"lossless": True}, {"quality": 60}, {"allow_mixed": True}):
        yield f"webp/animated-{options}", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], **options)
    offset = Image.new("RGBA", (60, 40))
    offset.paste(picture("RGBA", (20, 10)), (30, 20))
    yield "webp/animated-offset", saved(offset, "WEBP", save_all=True, append_images=[Image.new("RGBA", (60, 40), "red")], minimize_size=True)
    for orientation in (1, 6):
        yield f"webp/exif-{orientation}", saved(picture("RGB", (9, 5)), "WEBP", exif=exif(orientation))
    for name, image, options in (
        ("lossy", picture("RGB", (61, 47)), {}),
        ("lossless", picture("RGBA", (61, 47)), {"lossless": True}),
        ("alpha", picture("RGBA", (61, 47)), {"quality": 50}),
    ):
        yield from damaged(f"webp/{name}", saved(image, "WEBP", **options), seed=4, cuts=10, flips=30, keep=16)
    extended = saved(picture("RGB", (9, 5)), "WEBP", exif=exif(6))
    yield "webp/bomb", extended[:24] + b"\xff\x3f\0\xff\x3f\0" + extended[30:]


# BMP


def bmp(size, bits, pixels, palette=b"", compression=0, colours=0, masks=b"", header_bytes=40, offset=None):
    info = struct.pack("<IiiHHIIiiII", header_bytes, *size, 1, bits, compression, len(pixels), 0, 0, colours, 0)
    info += masks.ljust(header_bytes - 40, b"\0") if header_bytes > 40 else masks
    offset = 14 + len(info) + len(palette) if offset is None else offset
    return b"BM" + struct.pack("<IHHI", 14 + len(info) + len(palette) + len(pixels), 0, 0, offset) + info + palette + pixels


def bmp_cases():
    rng = random.Random(11)
    for size in SIZES:
        for mode in ("1", "L", "P", "RGB", "RGBA"):
            yield f"bmp/pillow-{mode}-{size}", saved(picture(mode, size), "BMP")
        for bits in (1, 4, 8, 16, 24, 32):
            pixels = rng.randbytes((size[0] * bits + 31) // 32 * 4 * size[1])
            palette = rng.randbytes(4 << bits) if bits <= 8 else b""
            yield f"bmp/{bits}-{size}", bmp(size, bits, pixels, palette)
            yield f"bmp/top-down-{bits}-{size}", bmp((size[0], -size[1]), bits, pixels, palette)
    yield from bmp_format_cases(rng)
    yield from bmp_run_length_cases(rng)
    for bits in (1, 4, 8, 24):
        pixels = rng.randbytes((19 * bits + 31) // 32 * 4 * 9)
        data = bmp((19, 9), bits, pixels, rng.randbytes(4 << bits) if bits <= 8 else b"")
        yield from damaged(f"bmp/{bits}", data, seed=bits, keep=2, flips=30)
    yield "bmp/dib", saved(picture("RGB", (9, 7)), "DIB")


def bmp_format_cases(rng):
    size = (13, 7)
    words = rng.randbytes(13 * 4 * 7)
    masks = [
        (0xFF0000, 0xFF00, 0xFF, 0), (0xFF000000, 0xFF0000, 0xFF00, 0), (0xFF000000, 0xFF00, 0xFF, 0),
        (0xFF000000, 0xFF0000, 0xFF00, 0xFF), (0xFF, 0xFF00, 0xFF0000, 0xFF000000),
        (0xFF0000, 0xFF00, 0xFF, 0xFF000000), (0xFF000000, 0xFF00, 0xFF, 0xFF0000), (0, 0, 0, 0),
        (0xFF, 0xFF00, 0xFF0000, 0), (0xF800, 0x7E0, 0x1F, 0), (0x7C00, 0x3E0, 0x1F, 0), (0xF00, 0xF0, 0xF, 0xF000),
    ]  # fmt: skip
    for bits in (16, 24, 32):
        pixels = words[: (13 * bits + 31) // 32 * 4 * 7]
        for mask in masks:
            packed = struct.pack("<4I", *mask)
            for header_bytes in (40, 52, 56, 64, 108, 124):
                body = packed[:12] if header_bytes == 40 else packed
                data = bmp(size, bits, pixels, compression=3, masks=body[: max(header_bytes - 40, 12)], header_bytes=header_bytes)
                yield f"bmp/masks-{bits}-{header_bytes}-{mask}", data
    pixels = rng.randbytes(16 * 7)
    grey = b"".join(bytes((i, i, i, 0)) for i in range(256))
    two = b"\0\0\0\0\xff\xff\xff\0"
    for colours in (1, 2, 3, 16, 255, 256, 300, 70000):
        for name, palette in (("grey", grey), ("two", two), ("random", rng.randbytes(1200))):
            for bits in (1, 4, 8):
                rows = pixels[: (13 * bits + 31) // 32 * 4 * 7]
                data = bmp(size, bits, rows, palette[: 4 * colours], colours=colours)
                yield f"bmp/colours-{colours}-{name}-{bits}", data
    yield "bmp/offset-0", bmp(size, 8, pixels, rng.randbytes(1024), offset=0)
    yield "bmp/offset-without-palette", bmp(size, 8, pixels, rng.randbytes(1024), offset=54)
    yield "bmp/offset-beyond", bmp(size, 24, words, offset=99999)
    yield "bmp/bits-2", bmp(size, 2, words)
    yield "bmp/bits-0", bmp(size, 0, words)
    yield "bmp/bits-64", bmp(size, 64, words)
    for compression in (4, 5, 6, 11):
        yield f"bmp/compression-{compression}", bmp(size, 24, words, compression=compression)
    yield "bmp/bomb", bmp((100000, 100000), 24, words)
    yield "bmp/no-width", bmp((0, 7), 24, words)
    yield "bmp/negative-width", bmp((-13, 7), 24, words)
    yield "bmp/no-padding-at-end", bmp((13, 7), 24, words[: 40 * 6 + 39])
    yield "bmp/one-byte-less", bmp((13, 7), 24, words[: 40 * 6 + 38])
    os2 = struct.pack("<IHHHH", 12, 13, 7, 1, 8) + rng.randbytes(768)
    yield "bmp/os2-8", b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + len(os2)) + os2 + pixels
    os2 = struct.pack("<IHHHH", 12, 13, 7, 1, 24)
    yield "bmp/os2-24", b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + len(os2)) + os2 + words
    yield "bmp/header-39", bmp(size, 24, words).replace(b"\x28\0\0\0", b"\x27\0\0\0", 1)


def bmp_run_length_cases(rng):
    palette = rng.randbytes(1024)
    grey = b"".join(bytes((i, i, i, 0)) for i in range(256))
    for compression, bits in ((1, 8), (2, 4), (1, 4), (2, 8), (1, 24)):
        for i in range(25):
            runs = b""
            while len(runs) < 250:
                kind = rng.randrange(10)
                if kind < 4:
                    runs += bytes((rng.randrange(1, 20), rng.randrange(256)))
                elif kind < 7:
                    count = rng.randrange(3, 12)
                    size = count if compression == 1 else (count + 1) // 2
                    runs += bytes((0, count)) + rng.randbytes(size + size % 2)
                elif kind < 9:
                    runs += b"\0\0"
                else:
                    runs += bytes((0, 2, rng.randrange(9), rng.randrange(3)))
            table = (palette if i % 3 else grey)[: 4 << min(bits, 8)]
            ending = b"" if i % 4 else b"\0\1"
            yield f"bmp/rle-{compression}-{bits}-{i}", bmp((17, 8 + i % 9), bits, runs + ending, table, compression)
    data = bmp((17, 9), 8, bytes((17, 3)) * 9 + b"\0\1", palette, 1)
    yield from damaged("bmp/rle", data, seed=3, keep=54)


# GIF


def gif_lzw(indices, bits):
    """LZW that never builds strings: a clear code often enough for the codes to keep their width."""
    clear, width, out, count, acc = 1 << bits, bits + 1, bytearray(), 0, 0
    codes = []
    for i, index in enumerate(indices):
        if i % max(1, (1 << bits) - 2) == 0:
            codes.append(clear)
        codes.append(index)
    for code in codes + [clear + 1]:
        acc |= code << count
        count += width
        while count >= 8:
            out.append(acc & 255)
            acc, count = acc >> 8, count - 8
    out.append(acc & 255)
    return b"".join(bytes((len(out[i : i + 255]),)) + bytes(out[i : i + 255]) for i in range(0, len(out), 255)) + b"\0"


def gif(screen, box, bits=4, table=None, local=None, transparent=None, interlaced=False, extra=b"", rng=None):
    rng = rng or random.Random(2)
    out = b"GIF89a" + struct.pack("<HH", *screen)
    out += bytes((0x80 | (len(table) // 3).bit_length() - 2, 3, 0)) + table if table else b"\0\3\0"
    if transparent is not None:
        out += b"!\xf9\4\1\0\0" + bytes((transparent, 0))
    flags = (0x40 if interlaced else 0) | (0x80 | (len(local) // 3).bit_length() - 2 if local else 0)
    out += extra + b"," + struct.pack("<HHHHB", *box, flags) + (local or b"") + bytes((bits,))
    return out + gif_lzw([rng.randrange(1 << bits) for _ in range(box[2] * box[3])], bits) + b";"


def gif_cases():
    rng = random.Random(17)
    for size in SIZES:
        for mode in ("1", "L", "P", "RGB"):
            for interlace in (0, 1):
                yield f"gif/pillow-{mode}-{size}-{interlace}", saved(picture(mode, size), "GIF", interlace=interlace)
    frames = [picture("P", (40, 30), i) for i in range(3)]
    yield "gif/animated", saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50, loop=0, comment=b"hi")
    yield "gif/transparent", saved(picture("RGBA", (40, 30)), "GIF")
    grey = bytes(v for i in range(16) for v in (i, i, i))
    tables = {"none": None, "grey": grey, "colour": rng.randbytes(48), "two": rng.randbytes(6), "all": rng.randbytes(768)}
    for table_name, table in tables.items():
        for local_name, local in tables.items():
            for transparent in (None, 0, 5, 200):
                for box in ((0, 0, 9, 7), (3, 2, 4, 3), (5, 4, 9, 9)):
                    name = f"gif/{table_name}-{local_name}-{transparent}-{box}"
                    yield name, gif((9, 7), box, table=table, local=local, transparent=transparent, interlaced=box[0] == 3)
    for bits in range(0, 9):
        yield f"gif/bits-{bits}", gif((11, 5), (0, 0, 11, 5), bits=bits, table=tables["all"])
    whole = gif((9, 7), (0, 0, 9, 7), table=tables["colour"])
    for bits in (0, 9, 11, 12, 13, 255):
        at = whole.index(b",") + 10
        yield f"gif/code-size-{bits}", whole[:at] + bytes((bits,)) + whole[at + 1 :]
    blocks = {
        "comment": b"!\xfe\3abc\2de\0", "empty-comment": b"!\xfe\0", "unknown": b"!\x42\2ab\0", "empty-unknown": b"!\x42\0",
        "netscape": b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0", "netscape-empty": b"!\xff\x0bNETSCAPE2.0\0", "xmp": b"!\xff\x0bXMP DataXMPabc\0",
        "control-short": b"!\xf9\2\0\0\0", "control-shorter": b"!\xf9\3\1\0\0\0", "control-empty": b"!\xf9\0", "junk": b"junk",
        "plain-text": b"!\1\x0c............\3abc\0", "two-controls": b"!\xf9\4\1\0\0\2\0!\xf9\4\0\0\0\3\0", "trailer": b";",
    }  # fmt: skip
    for name, extra in blocks.items():
        yield f"gif/block-{name}", gif((9, 7), (0, 0, 9, 7), table=tables["colour"], extra=extra)
    yield "gif/empty-frame", gif((9, 7), (0, 0, 0, 7), table=tables["colour"])
    yield "gif/empty-screen", gif((0, 0), (0, 0, 4, 4), table=tables["colour"])
    yield "gif/bomb", gif((65535, 65535), (0, 0, 4, 4), table=tables["colour"])
    yield "gif/frame-bomb", gif((9, 7), (65535, 65535, 4, 4), table=tables["colour"])
    yield "gif/87a", b"GIF87a" + whole[6:]
    for i, mode in enumerate(("P", "L", "1")):
        yield from damaged(f"gif/{mode}", saved(picture(mode, (61, 47)), "GIF"), seed=i, cuts=15, flips=60, keep=13)


# TIFF


def tiff(size, tags, strips, big_endian=False, tiled=False):
    """A file of these strips or tiles; `tags`: {tag: (type, values)}."""
    order = ">" if big_endian else "<"
    kinds = {3: "H", 4: "I", 1: "B", 2: "s", 7: "B"}
    body, offsets = b"", []
    for strip in strips:
        offsets.append(8 + len(body))
        body += strip + b"\0" * (len(strip) % 2)
    tags = {256: (4, [size[0]]), 257: (4, [size[1]]), **tags}
    tags[324 if tiled else 273] = (4, offsets)
    tags[325 if tiled else 279] = (4, [len(strip) for strip in strips])
    entries, later = b"", b""
    later_at = 8 + len(body) + 2 + 12 * len(tags) + 4
    for tag in sorted(tags):
        kind, values = tags[tag]
        packed = struct.pack(f"{order}{len(values)}{kinds[kind]}", *values)
        if len(packed) > 4:
            place = struct.pack(order + "I", later_at + len(later))
            later += packed + b"\0" * (len(packed) % 2)
        else:
            place = packed.ljust(4, b"\0")
        entries += struct.pack(order + "HHI", tag, kind, len(values)) + place
    start = (b"MM" if big_endian else b"II") + struct.pack(order + "HI", 42, 8 + len(body))
    return start + body + struct.pack(order + "H", len(tags)) + entries + b"\0\0\0\0" + later


TIFF_FORMATS = {
    # name: photometric, bits, samples, extra samples, sample format
    "1": (1, 1, 1, (), 1), "1-white0": (0, 1, 1, (), 1), "2": (1, 2, 1, (), 1), "2-white0": (0, 2, 1, (), 1),
    "4": (1, 4, 1, (), 1), "4-white0": (0, 4, 1, (), 1), "8": (1, 8, 1, (), 1), "8-white0": (0, 8, 1, (), 1),
    "12": (1, 12, 1, (), 1), "16": (1, 16, 1, (), 1), "16-white0": (0, 16, 1, (), 1), "16-signed": (1, 16, 1, (), 2),
    "32": (1, 32, 1, (), 1), "32-signed": (1, 32, 1, (), 2), "float": (1, 32, 1, (), 3), "float-white0": (0, 32, 1, (), 3),
    "8-signed": (1, 8, 1, (), 2), "64-float": (1, 64, 1, (), 3), "la": (1, 8, 2, (2,), 1), "la-multiplied": (1, 8, 2, (1,), 1),
    "lx": (1, 8, 2, (0,), 1), "rgb": (2, 8, 3, (), 1), "rgba": (2, 8, 4, (2,), 1), "rgbx": (2, 8, 4, (0,), 1),
    "rgb4": (2, 8, 4, (), 1), "rgb-multiplied": (2, 8, 4, (1,), 1), "rgb-999": (2, 8, 4, (999,), 1), "rgbxx": (2, 8, 5, (0, 0), 1),
    "rgbax": (2, 8, 5, (2, 0), 1), "rgb-multiplied-x": (2, 8, 5, (1, 0), 1), "rgbaxx": (2, 8, 6, (2, 0, 0), 1),
    "rgb-multiplied-xx": (2, 8, 6, (1, 0, 0), 1), "rgbxxx": (2, 8, 6, (0, 0, 0), 1), "rgbxa": (2, 8, 5, (0, 2), 1),
    "rgb16": (2, 16, 3, (), 1), "rgba16": (2, 16, 4, (2,), 1), "rgbx16": (2, 16, 4, (0,), 1), "rgb16-multiplied": (2, 16, 4, (1,), 1),
    "rgb4-16": (2, 16, 4, (), 1), "palette1": (3, 1, 1, (), 1), "palette2": (3, 2, 1, (), 1), "palette4": (3, 4, 1, (), 1),
    "palette8": (3, 8, 1, (), 1), "palette-x": (3, 8, 2, (0,), 1), "palette-a": (3, 8, 2, (2,), 1), "cmyk": (5, 8, 4, (), 1),
    "cmykx": (5, 8, 5, (0,), 1), "cmykxx": (5, 8, 6, (0, 0), 1), "cmyk16": (5, 16, 4, (), 1), "rgb2": (2, 2, 3, (), 1),
}  # fmt: skip


def tiff_pixels(kind, count, rng):
    """Random samples; those that saturate are kept near 0..255, so that more than the ends is seen."""
    _, bits, samples, _, sample_format = TIFF_FORMATS[kind]
    if sample_format == 3 and bits == 32:
        return np.random.default_rng(1).uniform(-50, 320, count * samples).astype("f4")
    if bits in (16, 32) and samples == 1:
        low = -300 if sample_format == 2 else 0
        code = {(16, 1): "u2", (16, 2): "i2", (32, 1): "u4", (32, 2): "i4"}[bits, sample_format]
        return np.random.default_rng(2).integers(low, 400, count).astype(code)
    return None


def made_tiff(kind, size, compression=1, big_endian=False, planar=1, rows=None, tile=None, fill=1, orientation=None):
    photometric, bits, samples, extra, sample_format = TIFF_FORMATS[kind]
    rng = random.Random(f"{kind}{size}")
    tags = {
        258: (3, [bits] * samples), 259: (3, [compression]), 262: (3, [photometric]), 266: (3, [fill]),
        277: (3, [samples]), 284: (3, [planar]), 339: (3, [sample_format] * samples),
    }  # fmt: skip
    if extra:
        tags[338] = (3, extra)
    if photometric == 3:
        tags[320] = (3, [rng.randrange(65536) for _ in range(3 << bits)])
    if orientation is not None:
        tags[274] = (3, [orientation])
    per_strip = samples if planar == 1 else 1

    def block(width, height):
        smooth = tiff_pixels(kind, width * height, rng) if per_strip == samples else None
        if smooth is not None:
            data = smooth.astype(smooth.dtype.newbyteorder(">" if big_endian else "<")).tobytes()
        else:
            data = rng.randbytes((width * bits * per_strip + 7) // 8 * height)
        return zlib.compress(data) if compression == 8 else data

    if tile:
        tags[322], tags[323] = (3, [tile[0]]), (3, [tile[1]])
        count = -(-size[0] // tile[0]) * -(-size[1] // tile[1])
        blocks = [block(*tile) for _ in range(count)]
    else:
        rows = rows or size[1]
        tags[278] = (4, [rows])
        blocks = [block(size[0], min(rows, size[1] - top)) for top in range(0, size[1], rows)]
    if planar == 2:
        blocks = [bytes(reversed(data)) if plane % 2 and compression == 1 else data for plane in range(samples) for data in blocks]
    return tiff(size, tags, blocks, big_endian, tiled=tile is not None)


def tiff_cases():
    for kind in TIFF_FORMATS:
        for size in ((1, 1), (7, 5), (33, 21)):
            for compression in (1, 8):
                for big_endian in (False, True):
                    order = "mm" if big_endian else "ii"
                    rows = {1: 1, 5: 2, 21: 8}[size[1]]
                    name = f"{kind}-{size}-{order}-{compression}"
                    if order == "mm" and compression == 8 and kind in ("16-signed", "32-signed", "float", "float-white0"):
                        name = f"swapped-samples-{name}"
                    yield f"tiff/{name}", made_tiff(kind, size, compression, big_endian, rows=rows)
        yield f"tiff/tiled-{kind}", made_tiff(kind, (33, 21), 1, tile=(16, 16))
        yield f"tiff/tiled-packed-{kind}", made_tiff(kind, (33, 21), 8, tile=(16, 16))
        yield f"tiff/one-tile-{kind}", made_tiff(kind, (16, 16), 8, tile=(16, 16))
        yield f"tiff/fill-{kind}", made_tiff(kind, (33, 21), 1, fill=2, rows=8)
        yield f"tiff/fill-packed-{kind}", made_tiff(kind, (33, 21), 8, fill=2, rows=8)
        if TIFF_FORMATS[kind][2] >= 3:
            wide = TIFF_FORMATS[kind][1] == 16
            none = "planar-none-16" if wide else "planar-idle-none" if kind in ("rgbx", "rgb4") else "planar-none"
            yield f"tiff/{none}-{kind}", made_tiff(kind, (33, 21), 1, planar=2, rows=8)
            planar = "planar-idle" if kind in ("rgbx", "rgb4", "rgbx16", "rgb4-16") else "planar"
            yield f"tiff/{planar}-packed-{kind}", made_tiff(kind, (33, 21), 8, planar=2, rows=8)
            yield f"tiff/{planar}-tiled-{kind}", made_tiff(kind, (33, 21), 8, planar=2, tile=(16, 16))
    for orientation in range(0, 10):
        for compression in (1, 8):
            yield f"tiff/orientation-{orientation}-{compression}", made_tiff("rgb", (7, 5), compression, orientation=orientation)
    yield from tiff_compression_cases()
    for compression in (1, 8):
        yield from damaged(f"tiff/{compression}", made_tiff("rgb", (19, 13), compression, rows=4), seed=compression, cuts=20, flips=0)
    whole = made_tiff("rgb", (7, 5))
    yield "tiff/swapped-magic", whole[:2] + b"\0\x2a" + whole[4:]
    yield "tiff/no-directory", whole[:4] + b"\xff\xff\xff\x7f" + whole[8:]
    yield "tiff/header-only", whole[:8]
    yield "tiff/bomb", tiff((65535, 65535), {258: (3, [8] * 3), 262: (3, [2]), 277: (3, [3])}, [b"abc"])


def tiff_compression_cases():
    for compression in ("raw", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "packbits", "jpeg", "lzma", "zstd"):
        for mode in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr", "LAB"):
            if (compression == "jpeg" and mode not in ("L", "RGB", "CMYK")) or (mode == "YCbCr" and compression != "raw"):
                continue
            image = picture("RGB" if mode == "LAB" else mode, (45, 31))
            if mode == "LAB":
                image = image.convert("LAB")
            name = "lab" if mode == "LAB" else "ycbcr-none" if (mode, compression) == ("YCbCr", "raw") else mode
            yield f"tiff/{name}-{compression}", saved(image, "TIFF", compression=compression)
            for predictor in (2,) if compression in ("tiff_lzw", "tiff_adobe_deflate") and mode in ("L", "RGB", "RGBA", "I;16") else ():
                yield f"tiff/{name}-{compression}-predictor", saved(image, "TIFF", compression=compression, tiffinfo={317: predictor})
    for compression in ("group3", "group4", "tiff_ccitt"):
        yield f"tiff/1-{compression}", saved(picture("1", (45, 31)), "TIFF", compression=compression)
    frames = [picture("RGB", (20, 10), i) for i in range(2)]
    yield "tiff/pages", saved(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    yield "tiff/big", saved(frames[0], "TIFF", big_tiff=True)
    for sampling, name in {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0"}.items():
        tags = {258: (3, [8] * 3), 262: (3, [6]), 277: (3, [3]), 530: (3, sampling)}
        strips = [saved(picture("RGB", (45, rows), rows), "JPEG", subsampling=name) for rows in (16, 15)]
        yield f"tiff/jpeg-{name}", tiff((45, 31), {**tags, 259: (3, [7]), 278: (4, [16])}, strips)
        tile = [saved(picture("RGB", (48, 32)), "JPEG", subsampling=name)]
        yield f"tiff/jpeg-tile-{name}", tiff((45, 31), {**tags, 259: (3, [7]), 322: (3, [48]), 323: (3, [32])}, tile, tiled=True)
        units = -(-45 // sampling[0]) * -(-16 // sampling[1])
        samples = random.Random(1).randbytes(units * (2 + sampling[0] * sampling[1]))
        yield f"tiff/ycbcr-packed-{name}", tiff((45, 16), {**tags, 259: (3, [8]), 278: (4, [16])}, [zlib.compress(samples)])
    jpeg = [saved(picture("RGB", (45, 31)), "JPEG", keep_rgb=True, subsampling="4:4:4")]
    tags = {258: (3, [8] * 3), 259: (3, [7]), 262: (3, [2]), 277: (3, [3]), 278: (4, [31])}
    yield "tiff/jpeg-rgb", tiff((45, 31), tags, jpeg)


# The rest


def other_cases():
    image = picture("RGB", (9, 7))
    for container in ("PPM", "ICO", "JPEG2000", "PCX", "DDS", "AVIF", "QOI", "ICNS", "EPS"):
        if container == "ICNS":
            yield "other/icns", b"icns" + struct.pack(">I", 8)
        else:
            yield f"other/{container}", saved(image, container)
    yield "other/psd", b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 5, 5, 8, 3) + bytes(12)
    yield "none/empty", b""
    yield "none/html", b"\n <!DOCTYPE html><html><body>404"
    yield "none/text", b"not a picture"
    yield "none/zeros", bytes(300)
    yield "none/soi", b"\xff\xd8"
    yield "none/soi-eoi", b"\xff\xd8\xff\xd9"


def all_cases():
    for cases in (jpeg_cases, png_cases, webp_cases, bmp_cases, gif_cases, tiff_cases, other_cases):
        yield from cases()
