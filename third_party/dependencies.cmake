# The one place that finds each dependency: the system's package first. Why each is here: third_party/README.md.
# Every dependency gets a target retort::NAME, so that no other file knows how it was found.
find_package(PkgConfig REQUIRED)

function(retort_dependency name)
  cmake_parse_arguments(ARG "" "PACKAGE" "LINK" ${ARGN})
  add_library(retort_${name} INTERFACE)
  add_library(retort::${name} ALIAS retort_${name})
  if(ARG_PACKAGE)
    pkg_check_modules(${name}_pc REQUIRED IMPORTED_TARGET GLOBAL ${ARG_PACKAGE})
    target_link_libraries(retort_${name} INTERFACE PkgConfig::${name}_pc)
  endif()
  target_link_libraries(retort_${name} INTERFACE ${ARG_LINK})
endfunction()

find_package(Threads REQUIRED)

# Headers only: core/net loads the library itself when it is first needed (core/net/curl_library.h).
pkg_check_modules(curl_pc REQUIRED "libcurl>=7.84")
retort_dependency(curl LINK ${CMAKE_DL_LIBS})
target_include_directories(retort_curl SYSTEM INTERFACE ${curl_pc_INCLUDE_DIRS})
retort_dependency(sqlite PACKAGE "sqlite3>=3.35" LINK Threads::Threads)
retort_dependency(zstd PACKAGE "libzstd>=1.4")
retort_dependency(zlib PACKAGE "zlib")
retort_dependency(pcre2 PACKAGE "libpcre2-8>=10.32")
retort_dependency(utf8proc PACKAGE "libutf8proc>=2.1")
# Language detection; no package file of its own.
find_library(CLD2_LIBRARY cld2 REQUIRED)
find_path(CLD2_INCLUDE_DIR cld2/public/compact_lang_det.h REQUIRED)
retort_dependency(cld2 LINK ${CLD2_LIBRARY})
target_include_directories(retort_cld2 SYSTEM INTERFACE ${CLD2_INCLUDE_DIR})
retort_dependency(crypto PACKAGE "libcrypto>=1.1")
retort_dependency(httplib PACKAGE "cpp-httplib>=0.11" LINK Threads::Threads)
retort_dependency(toml PACKAGE "tomlplusplus>=3.0")

find_package(nlohmann_json 3.10 REQUIRED)
retort_dependency(json LINK nlohmann_json::nlohmann_json)
find_package(spdlog 1.8 REQUIRED)
retort_dependency(spdlog LINK spdlog::spdlog)

# Headers only.
find_path(VALIJSON_INCLUDE_DIR valijson/validator.hpp REQUIRED)
retort_dependency(valijson)
target_include_directories(retort_valijson SYSTEM INTERFACE ${VALIJSON_INCLUDE_DIR})

# Header-only, and without a package file in some releases of Debian.
find_package(CLI11 2.1 QUIET)
if(CLI11_FOUND)
  retort_dependency(cli11 LINK CLI11::CLI11)
else()
  find_path(CLI11_INCLUDE_DIR CLI/CLI.hpp REQUIRED)
  retort_dependency(cli11)
  target_include_directories(retort_cli11 SYSTEM INTERFACE ${CLI11_INCLUDE_DIR})
endif()

if(RETORT_TESTS)
  # Catch2 2 (Debian 12) and 3: tests include "tests/catch.h", which knows both.
  find_package(Catch2 REQUIRED)
  if(Catch2_VERSION VERSION_GREATER_EQUAL 3)
    retort_dependency(catch2 LINK Catch2::Catch2WithMain)
  else()
    retort_dependency(catch2 LINK Catch2::Catch2)
  endif()
endif()

# libtorch: RETORT_TORCH (a folder with TorchConfig.cmake, or Python's torch package), then Python's torch, then the system's.
if(RETORT_STUDENT)
  include(third_party/torch.cmake)
endif()

# Arrow: RETORT_ARROW (Python's pyarrow package, or an installed Arrow), then an installed one, then Python's; may be missing.
if(RETORT_PARQUET)
  include(third_party/arrow.cmake)
endif()
