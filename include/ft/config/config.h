// The configuration as the program uses it: one struct a section, every member with the default an expert
// would choose. `schema.h` holds the one table that names, checks, documents and prints these members.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ft {

// `auto` in the file. The value that was chosen is printed at start-up and stored in the resolved config.
template <typename T>
using Auto = std::optional<T>;

enum class DeviceChoice { kAuto, kCuda, kCpu };
enum class Augment { kImageNet, kNone };
enum class Shuffle { kGlobal, kShard };
enum class ResizeMode { kSquash, kShorter };
enum class BatchNormMode { kLocal, kSync, kFrozen };
enum class LossReduction { kSum, kMean };
enum class ScheduleKind { kConstant, kCosine, kStep };
enum class Precision { kFp32, kTf32, kBf16 };
enum class BackendChoice { kAuto, kMpi, kNccl, kSingle };
enum class GradientDtype { kFp32, kBf16 };  // on the wire
enum class EvalMode { kRank0, kSharded };

struct RunConfig {
  std::string dir = "runs/hotdog";
  std::uint64_t seed = 0;
  DeviceChoice device = DeviceChoice::kAuto;

  bool operator==(const RunConfig&) const = default;
};

// Per-channel constants of the input normalisation, RGB, on the 0..1 scale.
struct ChannelConstants {
  double r;
  double g;
  double b;

  bool operator==(const ChannelConstants&) const = default;
};

struct DataConfig {
  std::string train;                            // packed set; required
  std::string test;                             // packed set; empty: no test evaluation
  std::variant<double, std::string> val = 0.0;  // fraction of train, or a packed set
  std::string stage;                            // directory for local copies; empty: none
  Shuffle shuffle = Shuffle::kGlobal;
  Auto<int> workers;
  Augment augment = Augment::kImageNet;
  int image_size = 224;
  Auto<int> resize;  // auto: round(image_size * 256 / 224)
  ResizeMode resize_mode = ResizeMode::kSquash;
  ChannelConstants mean{0.485, 0.456, 0.406};
  ChannelConstants std{0.229, 0.224, 0.225};

  bool operator==(const DataConfig&) const = default;
};

// How the new head starts: Xavier everywhere, or some rows copied from the source head.
// Key: class name here; value: source row, as a number or as a class name of the source.
using HeadRows = std::map<std::string, std::string>;

struct ModelConfig {
  std::string arch = "resnet18";
  std::string weights = "none";  // path, or none: from scratch
  HeadRows head_init;            // empty: xavier
  std::vector<std::string> freeze;
  BatchNormMode batch_norm = BatchNormMode::kLocal;

  bool operator==(const ModelConfig&) const = default;
};

struct OptimizerConfig {
  std::string kind = "sgd";
  double lr = 5.0e-5;
  double head_lr_factor = 10;
  double weight_decay = 1.0e-3;
  double momentum = 0;
  LossReduction loss_reduction = LossReduction::kSum;
  ScheduleKind schedule = ScheduleKind::kConstant;
  int warmup_steps = 0;
  std::vector<int> step_epochs;
  double step_factor = 0.1;

  bool operator==(const OptimizerConfig&) const = default;
};

struct TrainConfig {
  int epochs = 5;
  int max_steps = 0;     // 0: no limit
  int batch_size = 128;  // global
  int accumulate = 1;
  Precision precision = Precision::kFp32;
  bool channels_last = true;
  double clip_norm = 0;  // 0: off
  double label_smoothing = 0;
  Auto<int> threads;
  int overfit = 0;  // 0: off; n: train on the first n samples only
  bool deterministic = false;

  bool operator==(const TrainConfig&) const = default;
};

struct DistConfig {
  BackendChoice backend = BackendChoice::kAuto;
  int bucket_mib = 8;
  GradientDtype gradient_dtype = GradientDtype::kFp32;
  int elastic = 0;  // 0: off
  bool register_buffers = false;
  int timeout_s = 300;
  int peer_timeout_s = 15;
  std::string interface = "auto";

  bool operator==(const DistConfig&) const = default;
};

struct EvalConfig {
  EvalMode mode = EvalMode::kRank0;
  int every_epochs = 1;

  bool operator==(const EvalConfig&) const = default;
};

struct CheckpointConfig {
  int every_steps = 0;
  double every_minutes = 0;
  int every_epochs = 1;
  int keep = 3;
  std::string resume = "auto";  // auto, never, or a run or checkpoint directory

  bool operator==(const CheckpointConfig&) const = default;
};

struct LogConfig {
  int every_steps = 10;
  bool tensorboard = true;
  bool weights_sha256 = false;
  bool sample_ids = false;

  bool operator==(const LogConfig&) const = default;
};

struct Config {
  RunConfig run;
  DataConfig data;
  ModelConfig model;
  OptimizerConfig optimizer;
  TrainConfig train;
  DistConfig dist;
  EvalConfig eval;
  CheckpointConfig checkpoint;
  LogConfig log;

  bool operator==(const Config&) const = default;
};

}  // namespace ft
