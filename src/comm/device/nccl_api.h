// NCCL's functions as a table, so that tests can put slow, failing and lying ones in their place.
#pragma once

#include <nccl.h>

namespace ft {

struct NcclApi {
  decltype(&ncclGetVersion) get_version = &ncclGetVersion;
  decltype(&ncclGetUniqueId) get_unique_id = &ncclGetUniqueId;
  decltype(&ncclCommInitRankConfig) comm_init_rank_config = &ncclCommInitRankConfig;
  decltype(&ncclCommGetAsyncError) comm_get_async_error = &ncclCommGetAsyncError;
  decltype(&ncclCommFinalize) comm_finalize = &ncclCommFinalize;
  decltype(&ncclCommDestroy) comm_destroy = &ncclCommDestroy;
  decltype(&ncclCommAbort) comm_abort = &ncclCommAbort;
  decltype(&ncclCommRegister) comm_register = &ncclCommRegister;
  decltype(&ncclCommDeregister) comm_deregister = &ncclCommDeregister;
  decltype(&ncclAllReduce) all_reduce = &ncclAllReduce;
  decltype(&ncclGetErrorString) get_error_string = &ncclGetErrorString;
  decltype(&ncclGetLastError) get_last_error = &ncclGetLastError;
};

}  // namespace ft
