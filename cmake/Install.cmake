# `cmake --install build --prefix DIR` gives bin/, share/ft_dist/{configs,docs,launch,slurm}.
include(GNUInstallDirs)
install(TARGETS ft_pack RUNTIME)
if(TARGET ft_dist)
  # LibTorch stays where it was found: the run path of the build is kept.
  set_target_properties(ft_dist PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS ft_dist RUNTIME)
endif()
install(DIRECTORY configs docs launch slurm DESTINATION ${CMAKE_INSTALL_DATADIR}/ft_dist USE_SOURCE_PERMISSIONS)
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/ft_dist)
