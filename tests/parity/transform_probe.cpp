// Runs decoding and transforms for test_transforms.py.
//
//   transform_probe JOBS OUT
//
// JOBS has one job a line; a picture is "CODEC WIDTH HEIGHT PATH", its path running to the end of the line:
//   decode PICTURE
//   window LEFT TOP WIDTH HEIGHT PICTURE   (decoding only that part)
//   train SIZE LEFT TOP BOX_WIDTH BOX_HEIGHT FLIP PICTURE
//   test SIZE RESIZE SHORTER PICTURE
//   normalise NHWC MEAN*3 STD*3 PICTURE
// OUT gets, for each, int64 bytes and the result (8-bit pixels, or float32); -1 where the picture was
// refused.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/data/codec.h"
#include "ft/data/transform.h"

namespace {

struct Picture {
  ft::Codec codec{};
  ft::Size size{};
  std::vector<std::byte> payload;
};

Picture read_picture(std::istream& job) {
  Picture picture;
  int codec = 0;
  std::string path;
  job >> codec >> picture.size.width >> picture.size.height >> std::ws;
  std::getline(job, path);
  if (!job) throw std::runtime_error("malformed picture in a job");
  picture.codec = static_cast<ft::Codec>(codec);
  picture.payload = ft::read_file(path);
  return picture;
}

ft::RgbImage decode(const Picture& picture) {
  ft::RgbImage image;
  ft::decode_rgb(picture.codec, picture.payload, picture.size.width, picture.size.height, image);
  return image;
}

std::vector<std::byte> bytes_of(const auto& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> run_window(std::istream& job) {
  ft::Box window{};
  job >> window.left >> window.top >> window.width >> window.height;
  const Picture picture = read_picture(job);
  ft::Decoder decoder;
  const ft::RgbView view = decoder.decode({picture.codec, picture.payload, picture.size, {}}, window);
  ft::RgbImage out(window.width, window.height);
  for (int y = 0; y < window.height; ++y) {
    std::copy_n(view.at(window.left, window.top + y), out.stride(), out.row(y).data());
  }
  return bytes_of(out.pixels());
}

// As the loader does it: only the pixels that the resize reads are decoded.
std::vector<std::byte> run_plan(const Picture& picture, const ft::PixelPlan& plan) {
  ft::Decoder decoder;
  ft::Resizer resizer;
  const ft::Box needed = resizer.prepare(plan.resize);
  resizer.begin(decoder.decode({picture.codec, picture.payload, picture.size, {}}, needed));
  ft::RgbImage resized(plan.resize.window.width, plan.resize.window.height);
  resizer.rows(0, resized.height(), resized.pixels().data());
  ft::RgbImage out(plan.side, plan.side);
  const ft::PixelFormat format{ft::PixelType::kUint8, ft::PixelLayout::kNhwc};
  ft::PixelWriter(format, {}, {1, 1, 1})
      .write(plan, 0, plan.side, resized.pixels().data(), std::as_writable_bytes(out.pixels()));
  return bytes_of(out.pixels());
}

std::vector<std::byte> run_train(std::istream& job) {
  int size = 0;
  ft::AugmentDraw draw{};
  job >> size >> draw.crop.left >> draw.crop.top >> draw.crop.width >> draw.crop.height >> draw.flip;
  return run_plan(read_picture(job), ft::train_plan(draw, size));
}

std::vector<std::byte> run_test(std::istream& job) {
  ft::TransformOptions options;
  job >> options.image_size >> options.resize >> options.resize_shorter;
  const Picture picture = read_picture(job);
  return run_plan(picture, ft::test_plan(picture.size, options));
}

std::vector<std::byte> run_normalise(std::istream& job) {
  bool nhwc = false;
  std::array<double, 3> mean{};
  std::array<double, 3> std{};
  job >> nhwc;
  for (double& value : mean) job >> value;
  for (double& value : std) job >> value;
  const ft::RgbImage image = decode(read_picture(job));
  std::vector<float> out(image.pixels().size());
  ft::PixelPlan plan;
  plan.resize.window = {0, 0, image.width(), image.height()};
  plan.side = image.width();
  const ft::PixelFormat format{ft::PixelType::kFloat32,
                               nhwc ? ft::PixelLayout::kNhwc : ft::PixelLayout::kNchw};
  ft::PixelWriter(format, mean, std)
      .write(plan, 0, plan.side, image.pixels().data(), std::as_writable_bytes(std::span(out)));
  return bytes_of(out);
}

std::vector<std::byte> run(const std::string& line) {
  std::istringstream job(line);
  std::string kind;
  job >> kind;
  if (kind == "decode") return bytes_of(decode(read_picture(job)).pixels());
  if (kind == "window") return run_window(job);
  if (kind == "train") return run_train(job);
  if (kind == "test") return run_test(job);
  if (kind == "normalise") return run_normalise(job);
  throw std::runtime_error("unknown job: " + line);
}

void run_all(const char* jobs_path, const char* out_path) {
  std::ifstream jobs(jobs_path);
  std::ofstream out(out_path, std::ios::binary);
  const auto put_size = [&out](std::int64_t size) {
    out.write(reinterpret_cast<const char*>(&size), sizeof size);
  };
  for (std::string line; std::getline(jobs, line);) {
    try {
      const auto result = run(line);
      put_size(static_cast<std::int64_t>(result.size()));
      out.write(reinterpret_cast<const char*>(result.data()), static_cast<std::streamsize>(result.size()));
    } catch (const ft::DataError& error) {
      std::cerr << line << ": " << error.what() << '\n';
      put_size(-1);
    }
  }
  if (!out.flush()) throw std::runtime_error("cannot write the results");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: transform_probe JOBS OUT\n", stderr);
    return 2;
  }
  try {
    run_all(argv[1], argv[2]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
