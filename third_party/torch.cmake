# libtorch for the student module, and nothing else links it. Looked for in this order:
#   1. RETORT_TORCH (cache or environment): Python's torch package, a libtorch folder, or the folder of TorchConfig.cmake
#   2. the torch 2.x of python3, if it has one
#   3. the system's package (Debian: libtorch-dev)
# Only include and link paths are taken. find_package(Torch) of a CUDA build wants the whole CUDA toolkit and breaks on
# CUDA::nvToolsExt from CUDA 12.9 on; we need neither, since CUDA is chosen at run time through libtorch itself.
# Gives retort::torch, and RETORT_TORCH_NEEDS_SGEMM where torch's BLAS may be the slow reference one (Debian).
set(RETORT_TORCH "$ENV{RETORT_TORCH}" CACHE PATH "Python's torch package, a libtorch folder, or the folder of TorchConfig.cmake")

# From any of the accepted folders to the one that holds include/torch and lib/.
function(retort_torch_prefix folder result)
  set(${result} "" PARENT_SCOPE)
  foreach(up "" "/.." "/../.." "/../../.." "/../../../..")
    get_filename_component(candidate "${folder}${up}" REALPATH)
    if(EXISTS "${candidate}/include/torch/csrc/autograd/variable.h")
      set(${result} "${candidate}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

set(torch_prefix "")
if(RETORT_TORCH)
  retort_torch_prefix("${RETORT_TORCH}" torch_prefix)
  if(NOT torch_prefix)
    message(FATAL_ERROR "RETORT_TORCH=${RETORT_TORCH} holds no libtorch (no include/torch there or above it)")
  endif()
  set(torch_origin "RETORT_TORCH")
else()
  find_program(RETORT_PYTHON3 python3)
  if(RETORT_PYTHON3)
    execute_process(
      COMMAND ${RETORT_PYTHON3} -c "import torch; assert int(torch.__version__.split('.')[0]) >= 2; print(torch.utils.cmake_prefix_path)"
      OUTPUT_VARIABLE torch_python OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE torch_python_failed)
    if(NOT torch_python_failed)
      retort_torch_prefix("${torch_python}" torch_prefix)
      set(torch_origin "python3")
    endif()
  endif()
  if(NOT torch_prefix)
    find_path(RETORT_TORCH_SYSTEM_INCLUDE torch/csrc/autograd/variable.h)
    if(RETORT_TORCH_SYSTEM_INCLUDE)
      get_filename_component(torch_prefix "${RETORT_TORCH_SYSTEM_INCLUDE}/.." REALPATH)
      set(torch_origin "system")
    endif()
  endif()
endif()
if(NOT torch_prefix)
  message(FATAL_ERROR "The student module needs libtorch and none was found. Install libtorch-dev (Debian), or name one with "
                      "-DRETORT_TORCH=…, or build without it: -DRETORT_STUDENT=OFF.")
endif()

set(torch_hints HINTS "${torch_prefix}/lib" "${torch_prefix}/lib/${CMAKE_LIBRARY_ARCHITECTURE}" NO_CACHE)
find_library(torch_lib torch ${torch_hints} REQUIRED)
find_library(torch_cpu_lib torch_cpu ${torch_hints} REQUIRED)
find_library(torch_c10_lib c10 ${torch_hints} REQUIRED)
find_library(torch_cuda_lib torch_cuda ${torch_hints})
find_library(torch_c10_cuda_lib c10_cuda ${torch_hints})
get_filename_component(torch_lib_folder "${torch_cpu_lib}" DIRECTORY)

file(STRINGS "${torch_prefix}/include/torch/csrc/api/include/torch/version.h" torch_version_lines REGEX "TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*PATCH ([0-9]+).*" "\\1.\\2.\\3" torch_version "${torch_version_lines}")

# The string ABI torch was built with; wheels before 2.6 used the old one.
set(torch_abi_flags "")
foreach(config "${torch_prefix}/share/cmake/Torch/TorchConfig.cmake" "${torch_lib_folder}/cmake/Torch/TorchConfig.cmake")
  if(EXISTS "${config}")
    file(STRINGS "${config}" torch_abi_line REGEX "set\\(TORCH_CXX_FLAGS \"-D_GLIBCXX_USE_CXX11_ABI=")
    if(torch_abi_line MATCHES "(-D_GLIBCXX_USE_CXX11_ABI=[01])")
      set(torch_abi_flags "${CMAKE_MATCH_1}")
    endif()
    break()
  endif()
endforeach()

set(RETORT_TORCH_OLD_STRING_ABI OFF)
if(torch_abi_flags MATCHES "=0")
  set(RETORT_TORCH_OLD_STRING_ABI ON)
endif()

add_library(retort_torch INTERFACE)
add_library(retort::torch ALIAS retort_torch)
target_include_directories(retort_torch SYSTEM INTERFACE "${torch_prefix}/include" "${torch_prefix}/include/torch/csrc/api/include")
target_compile_options(retort_torch INTERFACE ${torch_abi_flags})
if(torch_cuda_lib)
  # Nothing of ours names a symbol of it: without this the linker drops it, and CUDA is 'not available'.
  target_link_libraries(retort_torch INTERFACE "-Wl,--no-as-needed" "${torch_cuda_lib}" "${torch_c10_cuda_lib}" "-Wl,--as-needed")
endif()
target_link_libraries(retort_torch INTERFACE "${torch_lib}" "${torch_cpu_lib}" "${torch_c10_lib}")

# Debian's libtorch takes its BLAS from the system, by default the reference one, 30 times slower than oneDNN, which it
# links anyway. A torch that brings its own BLAS defines sgemm_ or needs none.
set(RETORT_TORCH_NEEDS_SGEMM OFF)
find_library(torch_dnnl_lib dnnl ${torch_hints})
find_path(torch_dnnl_include oneapi/dnnl/dnnl.h NO_CACHE)
if(torch_origin STREQUAL "system" AND torch_dnnl_lib AND torch_dnnl_include)
  set(RETORT_TORCH_NEEDS_SGEMM ON)
  add_library(retort_dnnl INTERFACE)
  add_library(retort::dnnl ALIAS retort_dnnl)
  target_include_directories(retort_dnnl SYSTEM INTERFACE "${torch_dnnl_include}")
  target_link_libraries(retort_dnnl INTERFACE "${torch_dnnl_lib}")
elseif(torch_origin STREQUAL "system")
  message(STATUS "libdnnl-dev is not installed: training runs on the system's BLAS, which may be slow")
endif()
set(torch_cuda_word "CPU only")
if(torch_cuda_lib)
  set(torch_cuda_word "with CUDA")
endif()
message(STATUS "Student: libtorch ${torch_version} (${torch_origin}: ${torch_lib_folder}, ${torch_cuda_word})")
