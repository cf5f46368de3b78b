// WebP, lossy and lossless; of an animation, the first frame on black, as it lies on the canvas.
#include <memory>

#include <fmt/format.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include "importers/exif.h"
#include "importers/picture.h"

namespace ft::importers {
namespace {

using Demuxer = std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)>;

bool has_orientation(const WebPDemuxer* demuxer) {
  WebPChunkIterator chunk{};
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk) == 0) return false;
  const bool oriented = asks_for_orientation({chunk.chunk.bytes, chunk.chunk.size});
  WebPDemuxReleaseChunkIterator(&chunk);
  return oriented;
}

// Straight into the canvas; what lies under transparent pixels is kept, as dropping alpha keeps it.
void decode_frame(const WebPIterator& frame, RgbImage& canvas) {
  const std::size_t offset = canvas.stride() * static_cast<std::size_t>(frame.y_offset) +
                             3 * static_cast<std::size_t>(frame.x_offset);
  const std::span<std::uint8_t> target = canvas.pixels().subspan(offset);
  if (WebPDecodeRGBInto(frame.fragment.bytes, frame.fragment.size, target.data(), target.size(),
                        static_cast<int>(canvas.stride())) == nullptr) {
    throw ImportError("broken WebP: damaged image data");
  }
}

}  // namespace

Picture decode_webp(Bytes file) {
  WebPBitstreamFeatures features{};
  const bool readable = WebPGetFeatures(file.data(), file.size(), &features) == VP8_STATUS_OK;
  if (readable) {
    check_declared_size("WebP", static_cast<std::uint64_t>(features.width),
                        static_cast<std::uint64_t>(features.height));
  }
  const WebPData data{file.data(), file.size()};
  const Demuxer demuxer(WebPDemux(&data), &WebPDemuxDelete);
  if (demuxer == nullptr) throw ImportError("broken WebP: its chunks are damaged or cut short");
  const std::uint32_t width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  const std::uint32_t height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  check_declared_size("WebP", width, height);
  // RGB, and the four bytes a pixel that a lossless one is decoded to first.
  check_memory("WebP", std::uint64_t{7} * width * height, file.size());

  WebPIterator frame{};
  if (WebPDemuxGetFrame(demuxer.get(), 1, &frame) == 0) throw ImportError("broken WebP: no frame in it");
  const std::unique_ptr<WebPIterator, decltype(&WebPDemuxReleaseIterator)> guard(&frame,
                                                                                 &WebPDemuxReleaseIterator);
  Picture picture;
  picture.found = readable && features.has_alpha == 0 ? "RGB" : "RGBA";
  picture.exif_oriented = has_orientation(demuxer.get());
  picture.pixels = black_image(static_cast<int>(width), static_cast<int>(height));
  decode_frame(frame, picture.pixels);
  return picture;
}

}  // namespace ft::importers
