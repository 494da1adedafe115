# How the project's libraries and tests are declared: a folder is a library, its .cpp files are found.

add_library(xdpc_flags INTERFACE)
target_include_directories(xdpc_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(xdpc_flags INTERFACE -Wall -Wextra -Wno-missing-field-initializers -ffunction-sections -fdata-sections)
target_compile_definitions(xdpc_flags INTERFACE XDPC_VERSION="${PROJECT_VERSION}")

add_library(xdpc_fmt STATIC ${PROJECT_SOURCE_DIR}/cmake/fmt.cpp)
target_include_directories(xdpc_fmt SYSTEM PUBLIC $<TARGET_PROPERTY:fmt::fmt,INTERFACE_INCLUDE_DIRECTORIES>)
target_compile_options(xdpc_fmt PRIVATE -ffunction-sections -fdata-sections)

# xdpc_library(compiler/parse DEPENDS …): target xdpc_compiler_parse.
function(xdpc_library folder)
  cmake_parse_arguments(ARG "" "" "DEPENDS;SOURCES" ${ARGN})
  string(REPLACE "/" "_" name "xdpc_${folder}")
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
  list(APPEND sources ${ARG_SOURCES})
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC xdpc_flags ${ARG_DEPENDS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE xdpc_flags ${ARG_DEPENDS})
  endif()
endfunction()

# xdpc_unit_test(parse LIBRARIES …): tests/unit/parse/*.cpp as one GoogleTest program, one ctest entry.
function(xdpc_unit_test area)
  cmake_parse_arguments(ARG "" "" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/unit/${area}/*.cpp)
  if(sources)
    add_executable(unit_${area} ${sources})
    target_link_libraries(unit_${area} PRIVATE ${ARG_LIBRARIES} GTest::gtest_main)
    target_compile_definitions(unit_${area} PRIVATE XDPC_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME unit_${area} COMMAND unit_${area})
  endif()
endfunction()
