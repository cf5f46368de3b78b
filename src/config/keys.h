// The table's parts, one function a section, in the order in which they are printed.
#pragma once

#include <vector>

#include "ft/config/schema.h"

namespace ft {

void add_run_keys(std::vector<KeySpec>& keys);
void add_data_keys(std::vector<KeySpec>& keys);
void add_model_keys(std::vector<KeySpec>& keys);
void add_optimizer_keys(std::vector<KeySpec>& keys);
void add_train_keys(std::vector<KeySpec>& keys);
void add_dist_keys(std::vector<KeySpec>& keys);
void add_eval_keys(std::vector<KeySpec>& keys);
void add_checkpoint_keys(std::vector<KeySpec>& keys);
void add_log_keys(std::vector<KeySpec>& keys);

}  // namespace ft
