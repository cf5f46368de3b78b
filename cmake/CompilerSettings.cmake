# One dialect, one set of warnings, for every target of ours.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(FT_CCACHE ccache)
if(FT_CCACHE)
  # Precompiled headers carry time stamps; without this every build would miss.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime;${FT_CCACHE}")
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
endif()

add_library(ft_settings INTERFACE)
target_include_directories(ft_settings INTERFACE "${PROJECT_SOURCE_DIR}/include")
target_compile_options(ft_settings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror)

if(FT_SANITIZE)
  add_compile_options(-fsanitize=${FT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  # GCC 12 sees overflows in the standard library's own inlined code once it is instrumented at -O1.
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-Wno-stringop-overflow -Wno-array-bounds -Wno-restrict -Wno-maybe-uninitialized)
  endif()
  add_link_options(-fsanitize=${FT_SANITIZE})
endif()

# Clang's only: counts which branches an input reaches. tests/fuzz adds the engine to its programs.
if(FT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
