#include "jpeg_restart.h"

#include <algorithm>
#include <limits>

#include "ft/base/error.h"
#include "ft/data/jpeg_library.h"

namespace ft {
namespace {

constexpr std::size_t kMostGrowth = 50;  // one in so many bytes
// A narrower interval saves a decoder little, and its marker, padding and three restarted DC predictions cost
// about five bytes (docs/decisions.md, "Restart intervals divide the row").
constexpr int kLeastIntervalPixels = 64;

// libjpeg's coefficients of one file, to be written again. Whatever libjpeg objects to makes a member return
// false: the file then stays as it is, which is no error.
class Transcoder {
 public:
  explicit Transcoder(std::span<const std::byte> file) : jpeg_(file), in_(jpeg_.info()) {
    out_.err = in_.err;  // its errors, too, end the step of jpeg_.run() that they come up in
    out_.client_data = in_.client_data;
    sink_.init_destination = [](j_compress_ptr) {};
    sink_.empty_output_buffer = on_full;
    sink_.term_destination = [](j_compress_ptr) {};
  }
  Transcoder(const Transcoder&) = delete;
  Transcoder& operator=(const Transcoder&) = delete;
  ~Transcoder() { jpeg_destroy_compress(&out_); }

  // Call once, first.
  [[nodiscard]] bool read() {
    return succeeds([this] { return read_coefficients(); });
  }

  // The file with a marker after every `interval` MCUs; nothing when it would take more than `most_bytes`.
  [[nodiscard]] std::optional<std::vector<std::byte>> write(int interval, std::size_t most_bytes) {
    std::vector<std::byte> file(most_bytes);
    sink_.next_output_byte = reinterpret_cast<JOCTET*>(file.data());
    sink_.free_in_buffer = file.size();
    if (!succeeds([this, interval] { return write_coefficients(interval); })) return std::nullopt;
    file.resize(file.size() - sink_.free_in_buffer);
    return file;
  }

  // In pixels.
  [[nodiscard]] int mcu_width() const { return in_.max_h_samp_factor * DCTSIZE; }
  [[nodiscard]] int mcus_per_row() const { return ceiling(in_.image_width, in_.max_h_samp_factor); }
  [[nodiscard]] int mcu_rows() const { return ceiling(in_.image_height, in_.max_v_samp_factor); }

 private:
  // `step` must own nothing: see JpegDecompressor::run.
  template <typename Step>
  [[nodiscard]] bool succeeds(const Step& step) {
    try {
      jpeg_.run(step);
      return true;
    } catch (const DataError&) {
      return false;
    }
  }

  bool read_coefficients() {
    if (!jpeg_.read_header() || !is_plain()) return false;
    coefficients_ = jpeg_read_coefficients(&in_);
    return coefficients_ != nullptr && in_.err->num_warnings == 0 && in_.input_scan_number == 1;
  }

  // Three components, all in one scan of Huffman codes, chroma at most halved each way.
  [[nodiscard]] bool is_plain() const {
    if (in_.progressive_mode != FALSE || in_.arith_code != FALSE || in_.data_precision != 8) return false;
    if (in_.num_components != 3 || in_.comps_in_scan != 3) return false;
    const auto sampled = [this](int index, int most) {
      const jpeg_component_info& component = in_.comp_info[index];
      return component.h_samp_factor <= most && component.v_samp_factor <= most;
    };
    return sampled(0, 2) && sampled(1, 1) && sampled(2, 1);
  }

  bool write_coefficients(int interval) {
    if (out_.mem == nullptr) jpeg_create_compress(&out_);
    jpeg_abort_compress(&out_);  // what an earlier call may have left half done
    out_.dest = &sink_;
    jpeg_copy_critical_parameters(&in_, &out_);
    out_.optimize_coding = TRUE;
    out_.restart_interval = static_cast<unsigned>(interval);
    jpeg_write_coefficients(&out_, coefficients_);
    jpeg_finish_compress(&out_);
    return true;
  }

  [[nodiscard]] static int ceiling(JDIMENSION pixels, int sampling) {
    const int mcu = sampling * DCTSIZE;
    return (static_cast<int>(pixels) + mcu - 1) / mcu;
  }

  static boolean on_full(j_compress_ptr info) {
    info->err->error_exit(reinterpret_cast<j_common_ptr>(info));
    return FALSE;  // not reached
  }

  JpegDecompressor jpeg_;
  jpeg_decompress_struct& in_;
  jpeg_compress_struct out_{};
  jpeg_destination_mgr sink_{};
  jvirt_barray_ptr* coefficients_ = nullptr;  // libjpeg's, as long as in_ is
};

constexpr std::byte kMarker{0xFF};
constexpr std::byte kStuffing{0x00};
constexpr std::byte kEndOfImage{0xD9};
constexpr std::byte kScan{0xDA};

// Behind the header of the first scan of a file that libjpeg wrote: segments without fill bytes in between.
std::size_t begin_of_scan(std::span<const std::byte> file) {
  std::size_t at = 2;
  while (true) {
    const bool is_scan = file[at + 1] == kScan;
    at += 2 + (std::to_integer<std::size_t>(file[at + 2]) << 8U) + std::to_integer<std::size_t>(file[at + 3]);
    if (is_scan) return at;
  }
}

std::vector<std::uint32_t> find_intervals(std::span<const std::byte> file) {
  std::vector<std::uint32_t> offsets;
  auto at = file.begin() + static_cast<std::ptrdiff_t>(begin_of_scan(file));
  while (true) {
    offsets.push_back(static_cast<std::uint32_t>(at - file.begin()));
    std::byte marker = kStuffing;
    while (marker == kStuffing) {
      at = std::find(at, file.end(), kMarker);
      marker = *(at + 1);
      at += 2;
    }
    if (marker == kEndOfImage) return offsets;
  }
}

}  // namespace

std::optional<RestartJpeg> add_restart_markers(std::span<const std::byte> file) {
  if (file.size() > std::numeric_limits<std::uint32_t>::max() / 2) return std::nullopt;
  Transcoder transcoder(file);
  if (!transcoder.read()) return std::nullopt;
  const int row = transcoder.mcus_per_row();
  const std::size_t most = file.size() + file.size() / kMostGrowth;
  for (int interval = 1; interval <= row; ++interval) {
    const bool wide_enough = interval * transcoder.mcu_width() >= kLeastIntervalPixels || interval == row;
    if (row % interval != 0 || !wide_enough) continue;
    const std::size_t intervals = static_cast<std::size_t>(row / interval) * transcoder.mcu_rows();
    const std::size_t offset_bytes = intervals * sizeof(std::uint32_t);
    if (offset_bytes >= most) continue;
    if (auto smaller = transcoder.write(interval, most - offset_bytes)) {
      RestartJpeg made{std::move(*smaller), {}};
      made.restart_offset = find_intervals(made.file);
      if (made.restart_offset.size() == intervals) return made;
    }
  }
  return std::nullopt;
}

}  // namespace ft
