#include "importers/tiff_layout.h"

#include <bit>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ft::importers {
namespace {

// libtiff hands out wider samples in this machine's byte order; colour keeps the high byte.
constexpr int kHigh = std::endian::native == std::endian::little ? 1 : 0;

struct Tags {
  int photometric, bits, samples, sample_format;
  bool reversed_bits, big_endian, compressed, separate;
  std::vector<std::uint16_t> extra;  // what the samples beyond the colours are

  // Colours alone, or followed by idle samples.
  [[nodiscard]] bool extra_is(std::initializer_list<std::uint16_t> expected) const {
    return std::ranges::equal(extra, expected);
  }
};

struct Choice {
  const char* mode = nullptr;
  RowFormat rows{};
};

Tags read_tags(const TiffFile& file) {
  Tags tags{.photometric = file.short_tag(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE),
            .bits = file.short_tag(TIFFTAG_BITSPERSAMPLE, 1),
            .samples = file.short_tag(TIFFTAG_SAMPLESPERPIXEL, 1),
            .sample_format = file.short_tag(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT),
            .reversed_bits = file.short_tag(TIFFTAG_FILLORDER, FILLORDER_MSB2LSB) == FILLORDER_LSB2MSB,
            .big_endian = TIFFIsBigEndian(file.handle()) != 0,
            .compressed = file.short_tag(TIFFTAG_COMPRESSION, COMPRESSION_NONE) != COMPRESSION_NONE,
            .separate = file.short_tag(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) == PLANARCONFIG_SEPARATE,
            .extra = {}};
  std::uint16_t count = 0;
  const std::uint16_t* kinds = nullptr;
  if (TIFFGetFieldDefaulted(file.handle(), TIFFTAG_EXTRASAMPLES, &count, &kinds) == 1 && kinds != nullptr) {
    tags.extra.assign(kinds, kinds + count);
  }
  return tags;
}

bool is_byte_wide(const Tags& tags) {
  return tags.bits == 8 && tags.sample_format == SAMPLEFORMAT_UINT;
}
bool is_word_wide(const Tags& tags) {
  return tags.bits == 16 && tags.sample_format == SAMPLEFORMAT_UINT;
}

Choice choose_single_grey(const Tags& tags) {
  const bool inverted = tags.photometric == PHOTOMETRIC_MINISWHITE;
  // Big-endian files of such samples come out of Pillow with their bytes swapped when they are compressed.
  const bool trusted = !tags.reversed_bits && !(tags.big_endian && tags.compressed);
  switch (tags.sample_format * 100 + tags.bits) {
    case 101:
      return {"1", indexed_rows(1, grey_ramp(1, inverted))};
    case 108:
      if (inverted && tags.reversed_bits && !tags.compressed) return {};
      [[fallthrough]];
    case 102:
    case 104:
      return {"L", indexed_rows(tags.bits, grey_ramp(tags.bits, inverted))};
    case 112:
      if (!inverted && !tags.big_endian && !tags.reversed_bits) return {"I;16", grey12_rows()};
      return {};
    case 116:
      if (tags.big_endian ? !inverted && !tags.reversed_bits : !(inverted && tags.reversed_bits)) {
        return {tags.big_endian ? "I;16B" : "I;16", saturated_rows<std::uint16_t>()};
      }
      return {};
    case 132:
      if (!inverted && !tags.big_endian && !tags.reversed_bits) return {"I", saturated_rows<std::int32_t>()};
      return {};
    case 208:
      if (!inverted && !tags.reversed_bits) return {"L", indexed_rows(8, grey_ramp(8))};
      return {};
    case 216:
      if (!inverted && trusted) return {"I", saturated_rows<std::int16_t>()};
      return {};
    case 232:
      if (!inverted && trusted) return {"I", saturated_rows<std::int32_t>()};
      return {};
    case 332:
      if (trusted) return {"F", saturated_rows<float>()};
      return {};
    default:
      return {};
  }
}

Choice choose_grey(const Tags& tags) {
  if (tags.samples == 1) return choose_single_grey(tags);
  const bool known = is_byte_wide(tags) && tags.samples == 2 && !tags.reversed_bits &&
                     tags.photometric == PHOTOMETRIC_MINISBLACK;
  if (known && tags.extra_is({EXTRASAMPLE_UNSPECIFIED})) return {"L", byte_rows(2, 0, 0, 0)};
  if (known && tags.extra_is({EXTRASAMPLE_UNASSALPHA})) return {"LA", byte_rows(2, 0, 0, 0)};
  return {};
}

Choice choose_palette(const TiffFile& file, const Tags& tags) {
  const bool single =
      tags.samples == 1 && (tags.bits == 1 || tags.bits == 2 || tags.bits == 4 || tags.bits == 8);
  const bool with_extra = tags.samples == 2 && tags.bits == 8 && !tags.reversed_bits;
  std::uint16_t* red = nullptr;
  std::uint16_t* green = nullptr;
  std::uint16_t* blue = nullptr;
  if (tags.sample_format != SAMPLEFORMAT_UINT || (!single && !with_extra) ||
      TIFFGetField(file.handle(), TIFFTAG_COLORMAP, &red, &green, &blue) != 1) {
    return {};
  }
  Palette palette{};
  for (std::size_t i = 0; i < std::size_t{1} << static_cast<unsigned>(tags.bits); ++i) {
    palette[i] = {static_cast<std::uint8_t>(red[i] >> 8U), static_cast<std::uint8_t>(green[i] >> 8U),
                  static_cast<std::uint8_t>(blue[i] >> 8U)};
  }
  if (single && tags.bits < 8 && tags.reversed_bits && !tags.compressed) return {};
  if (single) return {"P", indexed_rows(tags.bits, palette)};
  if (tags.extra_is({EXTRASAMPLE_UNSPECIFIED})) return {"P", padded_index_rows(2, palette)};
  if (tags.extra_is({EXTRASAMPLE_UNASSALPHA})) return {"PA", padded_index_rows(2, palette)};
  return {};
}

// Idle samples after the first may follow, up to six samples in all for bytes and four for words.
bool is_known_extra(const Tags& tags) {
  const std::size_t most = tags.bits == 8 ? 3 : 1;
  return tags.extra.size() <= most &&
         std::all_of(tags.extra.begin() + (tags.extra.empty() ? 0 : 1), tags.extra.end(),
                     [](std::uint16_t kind) { return kind == EXTRASAMPLE_UNSPECIFIED; });
}

Choice choose_rgb(const Tags& tags) {
  const bool wide = is_word_wide(tags);
  if ((!wide && !is_byte_wide(tags)) || tags.samples < 3 || !is_known_extra(tags)) return {};
  if (static_cast<int>(tags.extra.size()) + 3 != tags.samples) return {};
  if (tags.reversed_bits && (wide || tags.samples > 3)) return {};
  const int step = wide ? 2 : 1;
  const int high = wide ? kHigh : 0;
  const int pixel = tags.samples * step;
  const bool alpha = !tags.extra.empty() && tags.extra[0] != EXTRASAMPLE_UNSPECIFIED;
  if (alpha && tags.extra[0] == EXTRASAMPLE_ASSOCALPHA) {
    return {"RGBA", premultiplied_rows(pixel, {high, step + high, 2 * step + high, 3 * step + high})};
  }
  return {alpha ? "RGBA" : "RGB", byte_rows(pixel, high, step + high, 2 * step + high)};
}

Choice choose_cmyk(const Tags& tags) {
  const bool wide = is_word_wide(tags);
  if ((!wide && !is_byte_wide(tags)) || tags.samples < 4 || tags.samples > (wide ? 4 : 6) ||
      tags.reversed_bits) {
    return {};
  }
  for (const std::uint16_t kind : tags.extra) {
    if (kind != EXTRASAMPLE_UNSPECIFIED) return {};
  }
  const int step = wide ? 2 : 1;
  const int high = wide ? kHigh : 0;
  return {"CMYK", cmyk_rows(tags.samples * step, {high, step + high, 2 * step + high, 3 * step + high})};
}

Choice choose(const TiffFile& file, const Tags& tags) {
  switch (tags.photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
      return choose_grey(tags);
    case PHOTOMETRIC_RGB:
      return choose_rgb(tags);
    case PHOTOMETRIC_PALETTE:
      return choose_palette(file, tags);
    case PHOTOMETRIC_SEPARATED:
      return choose_cmyk(tags);
    case PHOTOMETRIC_YCBCR:
      if (tags.compressed && is_byte_wide(tags) && tags.samples == 3 && !tags.reversed_bits) {
        return {"YCbCr", byte_rows(3, 0, 1, 2)};
      }
      return {};
    default:
      return {};
  }
}

// Whether Pillow reads these samples from planes of their own, and reads them right.
bool planes_are_known(const Tags& tags) {
  const bool bytes = tags.bits == 8;
  if (!bytes && tags.bits != 16) return false;
  const bool bare = tags.extra.empty();
  const bool plain_alpha = tags.extra_is({EXTRASAMPLE_UNASSALPHA});
  // Uncompressed words are read as if they were bytes; there is nothing to agree on.
  if (!tags.compressed) return bytes && (bare || plain_alpha);
  // One idle plane behind RGB is taken for alpha or not, depending on whether the file bothers to say so.
  if (tags.extra_is({EXTRASAMPLE_UNSPECIFIED}) && tags.photometric == PHOTOMETRIC_RGB) return false;
  return bare || tags.extra[0] == EXTRASAMPLE_UNSPECIFIED || tags.extra.size() == 1;
}

[[noreturn]] void throw_unsupported(const Tags& tags) {
  throw ImportError(fmt::format(
      "unsupported: TIFF with photometric {}, {} samples of {} bits, format {}, extra samples [{}]{}{}{}",
      tags.photometric, tags.samples, tags.bits, tags.sample_format, fmt::join(tags.extra, ", "),
      tags.separate ? ", in separate planes" : "", tags.reversed_bits ? ", bits reversed" : "",
      tags.big_endian ? ", big endian" : ""));
}

}  // namespace

TiffLayout read_tiff_layout(const TiffFile& file) {
  TiffLayout layout;
  layout.width = file.long_tag(TIFFTAG_IMAGEWIDTH, 0);
  layout.height = file.long_tag(TIFFTAG_IMAGELENGTH, 0);
  check_declared_size("TIFF", layout.width, layout.height);
  layout.orientation = file.short_tag(TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);

  const Tags tags = read_tags(file);
  Choice choice = choose(file, tags);
  if (choice.mode == nullptr) throw_unsupported(tags);
  layout.mode = choice.mode;
  layout.rows = std::move(choice.rows);
  if (tags.separate && tags.samples > 1) {
    if (!planes_are_known(tags)) throw_unsupported(tags);
    layout.planes = tags.samples;
    layout.sample_bytes = tags.bits / 8;
  }
  if (tags.photometric == PHOTOMETRIC_YCBCR) {
    const bool jpeg = file.short_tag(TIFFTAG_COMPRESSION, COMPRESSION_NONE) == COMPRESSION_JPEG;
    layout.through_rgba = !jpeg || tags.separate;
    if (!layout.through_rgba) TIFFSetField(file.handle(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  }
  return layout;
}

}  // namespace ft::importers
