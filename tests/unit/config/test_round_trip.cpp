#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ft/config/load.h"
#include "ft/config/schema.h"

#include "temporary_directory.h"

namespace ft {
namespace {

Config reload(const std::string& yaml) {
  const TemporaryDirectory dir;
  const auto file = dir.path() / "config.yaml";
  std::ofstream(file, std::ios::binary) << yaml;
  return load_config(file, {});
}

// Configs that use every key, with values at which a writer of YAML could stumble.
class RandomConfigs {
 public:
  explicit RandomConfigs(unsigned seed) : engine_(seed) {}

  Config next() {
    Config c;
    c.run = {path(), engine_(), pick<DeviceChoice>(3)};
    c.data.train = coin() ? path() : "";
    c.data.test = coin() ? path() : "";
    if (coin()) {
      c.data.val = path();
    } else {
      c.data.val = fraction();
    }
    c.data.workers = maybe();
    c.data.augment = pick<Augment>(2);
    c.data.image_size = 1 + below(500);
    c.data.resize = maybe();
    c.data.resize_mode = pick<ResizeMode>(2);
    if (coin()) c.data.mean = {fraction(), fraction(), fraction()};
    if (coin()) c.data.std = {positive(), positive(), positive()};
    c.model.arch = coin() ? "resnet18" : "resnet34";
    c.model.weights = coin() ? path() : "none";
    for (int i = below(4); i > 0; --i) c.model.head_init[text()] = text();
    for (int i = below(4); i > 0; --i) c.model.freeze.push_back(text());
    c.model.batch_norm = pick<BatchNormMode>(2);
    c.optimizer = {"sgd",
                   positive(),
                   positive(),
                   positive(),
                   fraction(),
                   pick<LossReduction>(2),
                   pick<ScheduleKind>(3),
                   below(1000),
                   {1 + below(5), 7 + below(5), 20},
                   positive()};
    c.train = {1 + below(90), below(100), 64 + below(100), 1 + below(64), pick<Precision>(3),
               coin(),        positive(), fraction(),      maybe(),       below(100),
               coin()};
    c.dist.backend = c.run.device == DeviceChoice::kCpu ? BackendChoice::kMpi : pick<BackendChoice>(4);
    c.dist.bucket_mib = 1 + below(1000);
    c.dist.timeout_s = 1 + below(1000);
    c.dist.peer_timeout_s = 1 + below(1000);
    c.dist.interface = text();
    c.eval.every_epochs = 1 + below(9);
    c.checkpoint = {below(9), positive(), below(9), 1 + below(9), coin() ? "never" : path()};
    c.log = {1 + below(9), coin(), coin(), coin()};
    return c;
  }

 private:
  int below(int n) { return static_cast<int>(engine_() % static_cast<unsigned>(n)); }
  bool coin() { return below(2) == 1; }
  template <typename Enum>
  Enum pick(int count) {
    return static_cast<Enum>(below(count));
  }
  Auto<int> maybe() { return coin() ? Auto<int>(1 + below(99)) : std::nullopt; }
  double fraction() { return std::generate_canonical<double, 53>(engine_); }
  double positive() { return std::ldexp(fraction() + 0.1, below(400) - 200); }

  std::string text() {
    static const std::vector<std::string> kHard = {
        "~",     "null",     "true",    "123",  "-",    "- a",  "a: b",    "a #b",     "\"q\"", "it's",
        "[x",    "{y}",      "x, y",    "a\\b", "a\tb", "a\nb", " lead",   "trail ",   "---",   "...",
        "&a",    "*a",       "!t",      "%d",   "@h",   "`t",   "| x",     "> x",      "? x",   ": x",
        "crème", "\x01\x7f", "hot dog", "1e5",  "0x1F", "yes",  "a.b-c_d", "layer1.0", "=",     "<<"};
    return kHard[static_cast<std::size_t>(below(static_cast<int>(kHard.size())))];
  }
  std::string path() { return fmt::format("/{}x/y{}", text(), text()); }

  std::mt19937_64 engine_;
};

TEST(RoundTrip, DefaultsComeBack) {
  const Config defaults = load_config(std::nullopt, {});
  EXPECT_EQ(reload(to_yaml(defaults)), defaults);
}

TEST(RoundTrip, AnyConfigComesBackEqual) {
  RandomConfigs configs(20240501);
  for (int i = 0; i < 500; ++i) {
    const Config config = configs.next();
    const Config back = reload(to_yaml(config));
    ASSERT_EQ(back, config) << to_yaml(config) << "\nand then\n" << to_yaml(back);
    ASSERT_TRUE(all_differences(back, config).empty());
  }
}

// A key that is in a struct but not in the table would be lost without a sound.
TEST(RoundTrip, EveryKeyOfTheTableIsWritten) {
  const std::string yaml = to_yaml(Config{});
  for (const KeySpec& spec : config_schema()) {
    const std::string line = "\n  " + spec.name.substr(spec.name.find('.') + 1) + ": ";
    EXPECT_NE(yaml.find(line), std::string::npos) << spec.name;
  }
}

TEST(RoundTrip, NumbersKeepEveryBit) {
  for (const double lr : {0.1, 1.0 / 3, 5.0e-5, std::numeric_limits<double>::min(),
                          std::numeric_limits<double>::denorm_min(), std::numeric_limits<double>::max()}) {
    Config config = load_config(std::nullopt, {});
    config.optimizer.lr = lr;
    EXPECT_EQ(reload(to_yaml(config)).optimizer.lr, lr);
  }
}

}  // namespace
}  // namespace ft
