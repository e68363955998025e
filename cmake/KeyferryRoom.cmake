# A room is one folder of src/ and one static library. It sees its own headers and those of the rooms
# it depends on, through a link made for the purpose, so that an include that breaks the picture in
# docs/design.md does not compile.
function(kf_room name)
  cmake_parse_arguments(R "" "" "DEPENDS;LIBS;SOURCES" ${ARGN})
  set(view ${CMAKE_BINARY_DIR}/rooms/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/src/${name} ${view}/${name} SYMBOLIC)
  if(NOT R_SOURCES)
    file(GLOB R_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.c)
  endif()
  add_library(kf_${name} STATIC ${R_SOURCES})
  target_include_directories(kf_${name} PUBLIC ${view})
  list(TRANSFORM R_DEPENDS PREPEND kf_)
  target_link_libraries(kf_${name} PUBLIC ${R_DEPENDS} PRIVATE ${R_LIBS})
endfunction()

# One test program for each tests/<room>/test_*.c; its name is <room>.<what>.
function(kf_tests room)
  cmake_parse_arguments(T "" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${room}/test_*.c)
  foreach(source ${sources})
    get_filename_component(stem ${source} NAME_WE)
    string(REPLACE "test_" "" what ${stem})
    set(target test_${room}_${what})
    add_executable(${target} ${source})
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_link_libraries(${target} PRIVATE ${T_LINK} kf_testing PkgConfig::CMOCKA)
    add_test(NAME ${room}.${what} COMMAND ${target})
    set_tests_properties(${room}.${what} PROPERTIES TIMEOUT 7200 ENVIRONMENT
                         "KF_VECTORS=${CMAKE_SOURCE_DIR}/tests/vectors")
  endforeach()
endfunction()

# One fuzz target fuzz/fuzz_<name>.c with the seeds fuzz/seeds/<name>/. With KF_FUZZ it is a libFuzzer
# program; always there is a replay program, which plain ctest runs over every seed.
function(kf_fuzz name)
  cmake_parse_arguments(F "" "" "LINK" ${ARGN})
  set(source ${CMAKE_SOURCE_DIR}/fuzz/fuzz_${name}.c)
  add_executable(replay_${name} ${source} ${CMAKE_SOURCE_DIR}/fuzz/replay.c)
  target_link_libraries(replay_${name} PRIVATE ${F_LINK})
  add_test(NAME seeds.${name} COMMAND replay_${name} ${CMAKE_SOURCE_DIR}/fuzz/seeds/${name})
  if(KF_FUZZ)
    add_executable(fuzz_${name} ${source})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(fuzz_${name} PRIVATE ${F_LINK})
  endif()
endfunction()
