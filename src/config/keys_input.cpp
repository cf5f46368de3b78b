// What goes in: where the run happens, the data, the model.
#include "keys.h"
#include "section.h"
#include "value_types.h"

namespace ft {

void add_run_keys(std::vector<KeySpec>& keys) {
  Section section("run", &Config::run, keys);
  section.add("dir", &RunConfig::dir, Text{}, OnResume::kFree,
              "Directory for everything that the run writes.");
  section.add("seed", &RunConfig::seed, Seed{}, OnResume::kMustMatch,
              "Fixes the order of the samples, the augmentation, the start of new weights and the split of "
              "`data.val`.");
  section.add(
      "device", &RunConfig::device,
      Choice<DeviceChoice>{
          {{"auto", DeviceChoice::kAuto}, {"cuda", DeviceChoice::kCuda}, {"cpu", DeviceChoice::kCpu}}},
      OnResume::kFree, "`auto` takes a GPU for each rank if the machine has any.");
}

void add_data_keys(std::vector<KeySpec>& keys) {
  Section section("data", &Config::data, keys);
  section.add("train", &DataConfig::train, OptionalPath{}, OnResume::kFree,
              "Packed set to train on, as `ft_pack` writes it; training needs one.");
  section.add("test", &DataConfig::test, OptionalPath{}, OnResume::kFree,
              "Packed set to evaluate on; it never decides anything.");
  section.add(
      "val", &DataConfig::val, FractionOrPath{}, OnResume::kFractionMustMatch,
      "What `best.safetensors` is chosen on: a fraction that is set aside from `data.train`, or a packed "
      "set; 0: none, and then there is no best.");
  section.add(
      "stage", &DataConfig::stage, OptionalPath{}, OnResume::kFree,
      "Directory on storage of each node's own, such as `/dev/shm/ft` or `$TMPDIR/ft`, that the packed "
      "sets are copied to before training, once per node; what is there and whole is used again, and "
      "the copy stays for the next run. `$NAME` stands for an environment variable.");
  section.add(
      "shuffle", &DataConfig::shuffle,
      Choice<Shuffle>{{{"global", Shuffle::kGlobal}, {"shard", Shuffle::kShard}}},
      OnResume::kMustMatchUnlessDefault,
      "`global`: each epoch is a permutation of all samples; `shard`: of the shards, and of the samples of a "
      "few shards at a time, for file systems that are slow at random reads.");
  section.add(
      "workers", &DataConfig::workers, OrAuto<Integer>{{.min = 1}}, OnResume::kFree,
      "Threads of each rank that decode and transform; `auto` shares out the cores that the rank may use.");
  section.add("augment", &DataConfig::augment,
              Choice<Augment>{{{"imagenet", Augment::kImageNet}, {"none", Augment::kNone}}},
              OnResume::kMustMatch,
              "`imagenet`: a random resized crop and a random flip; `none`: the test transform.");
  section.add("image_size", &DataConfig::image_size, Integer{.min = 1, .max = 8192}, OnResume::kMustMatch,
              "Side of the square that the model sees, in pixels.");
  section.add(
      "resize", &DataConfig::resize, OrAuto<Integer>{{.min = 1, .max = 8192}}, OnResume::kMustMatch,
      "Size to which test pictures are resized before the centre crop; `auto`: `image_size` x 256 / 224.");
  section.add(
      "resize_mode", &DataConfig::resize_mode,
      Choice<ResizeMode>{{{"squash", ResizeMode::kSquash}, {"shorter", ResizeMode::kShorter}}},
      OnResume::kMustMatch,
      "`squash`: both sides become `resize`; `shorter`: the shorter side does and the shape is kept.");
  section.add("mean", &DataConfig::mean,
              Channels{.imagenet = DataConfig{}.mean, .each = {.min = 0, .max = 1}}, OnResume::kMustMatch,
              "Subtracted from each channel, on the scale 0 to 1.");
  section.add("std", &DataConfig::std,
              Channels{.imagenet = DataConfig{}.std, .each = {.min = 0, .min_excluded = true}},
              OnResume::kMustMatch, "Divides each channel after that.");
}

void add_model_keys(std::vector<KeySpec>& keys) {
  Section section("model", &Config::model, keys);
  section.add("arch", &ModelConfig::arch, word_of({"resnet18", "resnet34"}), OnResume::kMustMatch,
              "Architecture, by torchvision's name.");
  section.add(
      "weights", &ModelConfig::weights, Text{.words = {"none"}}, OnResume::kMustMatch,
      "Weights to start from: a torchvision `.pth`, a `.safetensors` or a run directory; `none`: from "
      "scratch.");
  section.add(
      "head_init", &ModelConfig::head_init, HeadRowsMap{}, OnResume::kMustMatch,
      "How a new head starts: `xavier`, or for some classes a row of the source head, by number or by its "
      "class name, and Xavier for the rest.");
  section.add(
      "freeze", &ModelConfig::freeze,
      ListOf<Text>{.each = {.kind = "module name"}, .items = "module names", .example = "[conv1, layer1]"},
      OnResume::kMustMatch,
      "Modules that do not learn, each with all that is inside it, its batch norm statistics included.");
  section.add("batch_norm", &ModelConfig::batch_norm,
              Choice<BatchNormMode>{{{"local", BatchNormMode::kLocal},
                                     {"sync", BatchNormMode::kSync},
                                     {"frozen", BatchNormMode::kFrozen}}},
              OnResume::kMustMatch,
              "`local`: each rank normalises by its own share of the batch; `sync`: by the batch of all "
              "ranks, at the "
              "cost of two small all-reduces a layer; `frozen`: by the statistics of the loaded weights.");
}

}  // namespace ft
