#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/atomic_write.h"
#include "ft/base/file.h"
#include "ft/config/load.h"
#include "ft/config/schema.h"

namespace ft {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(Schema, NamesAreUniqueAndBelongToASection) {
  std::set<std::string> sections;
  for (const SectionSpec& section : config_sections()) EXPECT_TRUE(sections.insert(section.name).second);
  std::set<std::string> names;
  for (const KeySpec& spec : config_schema()) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    EXPECT_EQ(sections.count(spec.name.substr(0, spec.name.find('.'))), 1U) << spec.name;
    EXPECT_EQ(find_key(spec.name), &spec);
  }
  EXPECT_EQ(find_key("train.nothing"), nullptr);
}

TEST(Schema, DefaultsAreWhatTheKeysThemselvesAccept) {
  for (const KeySpec& spec : config_schema()) {
    Config config;
    EXPECT_EQ(spec.format(config), spec.default_text) << spec.name;
    EXPECT_NO_THROW(spec.parse(config, spec.default_text)) << spec.name;
    EXPECT_EQ(config, Config{}) << spec.name;
  }
}

TEST(Schema, EveryKeyIsExplainedInOneSentence) {
  for (const KeySpec& spec : config_schema()) {
    EXPECT_FALSE(spec.type.empty()) << spec.name;
    EXPECT_THAT(spec.help, testing::EndsWith(".")) << spec.name;
    EXPECT_EQ(spec.help.find('\n'), std::string::npos) << spec.name;
  }
}

TEST(NearestKey, ForgivesSlipsOfTheFingersAndOfMemory) {
  EXPECT_EQ(nearest_key("train.batchsize").name, "train.batch_size");
  EXPECT_EQ(nearest_key("train.epcohs").name, "train.epochs");
  EXPECT_EQ(nearest_key("trian.epochs").name, "train.epochs");
  EXPECT_EQ(nearest_key("train.lr").name, "optimizer.lr");
  EXPECT_EQ(nearest_key("batch_size").name, "train.batch_size");
  EXPECT_EQ(nearest_key("checkpoint.keeep").name, "checkpoint.keep");
  EXPECT_EQ(nearest_section("modell").name, "model");
}

TEST(Reference, ThePageInTheRepositoryIsTheOneThatTheTableWrites) {
  const fs::path page = fs::path(FT_SOURCE_DIR) / "docs" / "config.md";
  if (std::getenv("FT_UPDATE_DOCS") != nullptr) write_file_atomically(page, config_reference_markdown());
  EXPECT_EQ(read_text_file(page), config_reference_markdown())
      << "the table has changed: run this test with FT_UPDATE_DOCS=1 to write the page anew";
}

TEST(Reference, EveryKeyHasItsRow) {
  const std::string page = config_reference_markdown();
  for (const KeySpec& spec : config_schema()) EXPECT_THAT(page, HasSubstr("| `" + spec.name + "` | "));
  EXPECT_THAT(page, HasSubstr("| `train.batch_size` | integer, >= 1 | `128` | must match | "));
  EXPECT_THAT(page, HasSubstr("| `run.device` | auto\\|cuda\\|cpu | `auto` | free | "));
}

TEST(ShippedConfigs, Load) {
  const fs::path configs = fs::path(FT_SOURCE_DIR) / "configs";
  const Config hotdog = load_config(configs / "hotdog.yaml", {});
  EXPECT_EQ(hotdog.data.train, fs::current_path() / "packed/hotdog-train");
  // The chapter's recipe is what the defaults are.
  EXPECT_EQ(hotdog.optimizer, OptimizerConfig{});
  EXPECT_EQ(hotdog.train, TrainConfig{});

  const Config hymenoptera = load_config(configs / "hymenoptera.yaml", {});
  EXPECT_EQ(hymenoptera.train.epochs, 10);
  EXPECT_EQ(hymenoptera.optimizer.lr, 3e-4);

  const Config debug = load_config(configs / "debug.yaml", {});
  EXPECT_EQ(debug.run.device, DeviceChoice::kCpu);
  EXPECT_LE(debug.train.max_steps, 10);
  EXPECT_LE(debug.data.image_size, 64);
}

}  // namespace
}  // namespace ft
