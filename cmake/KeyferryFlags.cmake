# Compiler and linker flags of everything we build.
add_compile_definitions(_GNU_SOURCE)
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes
                    -Wmissing-prototypes -Wwrite-strings -Wcast-qual
                    -fstack-protector-strong -fno-strict-overflow)
if(KF_WERROR)
  add_compile_options(-Werror)
endif()
if(KF_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_compile_definitions(KF_SANITIZED)
  add_link_options(-fsanitize=address,undefined)
else()
  add_compile_options($<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
endif()
if(KF_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
