# Writes OUT, a C++ file that holds FILES as {name, text} pairs. Declared in compiler/extern_c/clang/headers.h. A raw
# string may not be longer than 64 KiB, which none of them is.
set(body "")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  file(READ ${file} text)
  string(APPEND body "  {\"${name}\", R\"c~~~(${text})c~~~\"},\n")
endforeach()
file(WRITE ${OUT} "#include \"compiler/extern_c/clang/headers.h\"\nnamespace xdpc::clang_plugin {\nstatic const Header list[] = {\n${body}};\nstd::span<const Header> headers() { return list; }\n}\n")
