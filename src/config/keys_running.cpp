// What happens around the steps: ranks, evaluation, checkpoints, logs.
#include "keys.h"
#include "section.h"
#include "value_types.h"

namespace ft {

void add_dist_keys(std::vector<KeySpec>& keys) {
  Section section("dist", &Config::dist, keys);
  section.add(
      "backend", &DistConfig::backend,
      Choice<BackendChoice>{{{"auto", BackendChoice::kAuto},
                             {"mpi", BackendChoice::kMpi},
                             {"nccl", BackendChoice::kNccl},
                             {"single", BackendChoice::kSingle}}},
      OnResume::kFree,
      "What carries the gradients; `auto`: NCCL when every rank has a GPU of its own, MPI otherwise, nothing "
      "for one rank.");
  section.add(
      "bucket_mib", &DistConfig::bucket_mib, Integer{.min = 1, .max = 1024}, OnResume::kMustMatch,
      "Gradients travel in pieces of this size; it decides the order of additions, hence the last digit.");
  section.add(
      "gradient_dtype", &DistConfig::gradient_dtype,
      Choice<GradientDtype>{{{"fp32", GradientDtype::kFp32}, {"bf16", GradientDtype::kBf16}}},
      OnResume::kMustMatch,
      "Type in which gradients travel. `bf16` halves the bytes: over MPI each rank's gradient (each host's, "
      "where hosts have several ranks) is rounded once, added in fp32, and the sum rounded once; NCCL "
      "rounds at each hop.");
  section.add("elastic", &DistConfig::elastic, Integer{.min = 0, .max = 1024}, OnResume::kMustMatch,
              "Parts into which each batch is cut whatever the number of ranks, which may be anything up to "
              "this and change between runs: the weights are the same to the bit; 0: off. At most "
              "`train.batch_size`; no gradient or statistic of a part may exceed 2^22 / parts (exit code 5 "
              "names it); "
              "not with `accumulate`, `batch_norm: sync`, `precision: tf32` or `gradient_dtype: bf16`.");
  section.add(
      "register_buffers", &DistConfig::register_buffers, Boolean{}, OnResume::kFree,
      "Registers the gradients' memory with NCCL, which then moves them without copies of its own on "
      "networks and links that can (`gradient_dtype: bf16` travels from other memory, so nothing comes of "
      "it there); measure before you keep it.");
  section.add(
      "timeout_s", &DistConfig::timeout_s, Integer{.min = 1}, OnResume::kFree,
      "Seconds that one operation between ranks may take; while rank 0 evaluates or saves and gets on "
      "with it, the others wait on.");
  section.add(
      "peer_timeout_s", &DistConfig::peer_timeout_s, Integer{.min = 1}, OnResume::kFree,
      "Seconds of silence after which a rank counts as lost; every rank that can be reached then ends with "
      "code 4 within 5 s more.");
  section.add(
      "interface", &DistConfig::interface, Text{.kind = "name", .words = {"auto"}}, OnResume::kFree,
      "Network interface over which ranks watch each other, such as `eth0`; `auto`: one whose network "
      "all hosts share, loopback on a single host. MPI's own: `FT_INTERFACE` of launch/run.sh.");
}

void add_eval_keys(std::vector<KeySpec>& keys) {
  Section section("eval", &Config::eval, keys);
  section.add("mode", &EvalConfig::mode,
              Choice<EvalMode>{{{"rank0", EvalMode::kRank0}, {"sharded", EvalMode::kSharded}}},
              OnResume::kFree,
              "`rank0`: rank 0 evaluates with the cores of its node while the others sleep; `sharded`: every "
              "rank evaluates its share of the batches with its own. The same bits where thread counts are "
              "equal; otherwise last digits of the loss may differ.");
  section.add("every_epochs", &EvalConfig::every_epochs, Integer{.min = 1}, OnResume::kFree,
              "Evaluate after every so many epochs, and after the last.");
}

void add_checkpoint_keys(std::vector<KeySpec>& keys) {
  Section section("checkpoint", &Config::checkpoint, keys);
  section.add("every_steps", &CheckpointConfig::every_steps, Integer{}, OnResume::kFree,
              "Save after every so many steps; 0: off.");
  section.add("every_minutes", &CheckpointConfig::every_minutes, Number{}, OnResume::kFree,
              "Save when the last checkpoint is so old; 0: off.");
  section.add("every_epochs", &CheckpointConfig::every_epochs, Integer{}, OnResume::kFree,
              "Save after every so many epochs; 0: off. The end of a run is always saved.");
  section.add("keep", &CheckpointConfig::keep, Integer{.min = 1}, OnResume::kFree,
              "Checkpoints that stay; older ones are removed.");
  section.add(
      "resume", &CheckpointConfig::resume, Text{.words = {"auto", "never"}}, OnResume::kFree,
      "`auto`: go on where `run.dir` left off; `never`: start anew, also over an earlier run; a path: a new "
      "`run.dir` goes on from that run or checkpoint, a begun one from its own.");
}

void add_log_keys(std::vector<KeySpec>& keys) {
  Section section("log", &Config::log, keys);
  section.add("every_steps", &LogConfig::every_steps, Integer{.min = 1}, OnResume::kFree,
              "A line in `metrics.jsonl` for every so many steps.");
  section.add("tensorboard", &LogConfig::tensorboard, Boolean{}, OnResume::kFree,
              "Write TensorBoard files as well.");
  section.add("weights_sha256", &LogConfig::weights_sha256, Boolean{}, OnResume::kFree,
              "Log a hash of all weights with those lines: slow, for comparing runs bit by bit.");
  section.add("sample_ids", &LogConfig::sample_ids, Boolean{}, OnResume::kFree,
              "Log the ids of the batch's samples with those lines.");
}

}  // namespace ft
