# The layers that include torch.h (20 s a file without the precompiled header, which they share).
include(LibTorch)

add_library(ft_torch_pch STATIC "${PROJECT_SOURCE_DIR}/cmake/torch_pch.cpp")
target_link_libraries(ft_torch_pch PUBLIC ft_settings torch::torch)
target_precompile_headers(ft_torch_pch PRIVATE <torch/torch.h>)

# A precompiled header fits only code compiled with the same flags: programs get -fPIC, too, instead of -fPIE.
function(ft_reuse_torch_pch TARGET)
  set_target_properties(${TARGET} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${TARGET} PRIVATE -fPIC)
  target_precompile_headers(${TARGET} REUSE_FROM ft_torch_pch)
endfunction()

# ft_torch_free(FOLDER NAMES...): these sources include no torch header, not by another one either. Loading the
# precompiled one (700 MB) is then most of their time; one that does include it after all takes 20 s, and leaves this list.
function(ft_torch_free FOLDER)
  list(TRANSFORM ARGN PREPEND "${PROJECT_SOURCE_DIR}/src/${FOLDER}/")
  list(TRANSFORM ARGN APPEND ".cpp")
  set_source_files_properties(${ARGN} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
endfunction()
ft_torch_free(comm/device gpu nccl_communicator nccl_connection pick)
ft_torch_free(model weights_location)
ft_torch_free(train image_shares micro_batches root_task run_lock run_plan schedule stop_file)
ft_torch_free(app bench_rounds comm_report command_line data_report early_signals loader_rates payload_places
  preflight_report same_on_all_ranks)

ft_add_layer(device FOLDER comm/device LINK ft_base ft_config ft_comm torch::torch)
ft_add_layer(model LINK ft_base ft_config ft_formats torch::torch)
ft_add_layer(train LINK ft_comm ft_liveness ft_data ft_model ft_report ft_device)
foreach(LAYER device model train)
  ft_reuse_torch_pch(ft_${LAYER})
endforeach()
if(FT_CUDA)
  target_link_libraries(ft_device PUBLIC nccl::nccl)
  target_compile_definitions(ft_device PUBLIC FT_CUDA=1)
endif()

file(GLOB APP_SOURCES CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/app/*.cpp")
add_executable(ft_dist "${PROJECT_SOURCE_DIR}/src/main.cpp" ${APP_SOURCES})
target_link_libraries(ft_dist PRIVATE ft_train CLI11::CLI11)
target_include_directories(ft_dist PRIVATE "${PROJECT_SOURCE_DIR}/src/app")
ft_reuse_torch_pch(ft_dist)
# For MPI's plugins to find it: src/comm/mpi_abort.cpp.
target_link_options(ft_dist PRIVATE LINKER:--export-dynamic-symbol=PMIx_Abort)
# By which ranks see that they run the same program: src/app/same_on_all_ranks.cpp.
target_link_options(ft_dist PRIVATE LINKER:--build-id=sha1)

# At configure time: a version that is one commit old says so less often than a rebuild at each commit would annoy.
execute_process(COMMAND git -C "${PROJECT_SOURCE_DIR}" describe --always --dirty
  OUTPUT_VARIABLE FT_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT FT_COMMIT)
  set(FT_COMMIT "unknown commit")
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/commit.h.in" "${PROJECT_BINARY_DIR}/generated/commit.h")
target_include_directories(ft_dist PRIVATE "${PROJECT_BINARY_DIR}/generated")
