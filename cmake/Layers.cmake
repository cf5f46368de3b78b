# ft_add_layer(NAME [FOLDER dir] [LINK targets...]): the static library ft_NAME from src/<dir or NAME>/*.cpp.
function(ft_add_layer NAME)
  cmake_parse_arguments(LAYER "" "FOLDER" "LINK" ${ARGN})
  if(NOT LAYER_FOLDER)
    set(LAYER_FOLDER ${NAME})
  endif()
  file(GLOB SOURCES CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${LAYER_FOLDER}/*.cpp")
  add_library(ft_${NAME} STATIC ${SOURCES})
  target_link_libraries(ft_${NAME} PUBLIC ft_settings ${LAYER_LINK})
  # A layer's private headers live beside its sources.
  target_include_directories(ft_${NAME} PRIVATE "${PROJECT_SOURCE_DIR}/src/${LAYER_FOLDER}")
endfunction()
