# Writes OUT, a C++ file that holds FILES as {name, text} pairs. Declared in compiler/basic/stdlib.h.
set(body "")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  file(READ ${file} text)
  string(APPEND body "  {\"stdlib/${name}\", R\"xf~~~(${text})xf~~~\"},\n")
endforeach()
file(WRITE ${OUT} "#include \"compiler/basic/stdlib.h\"\nnamespace xdpc {\nstatic const StdlibFile files[] = {\n${body}};\nstd::span<const StdlibFile> stdlibFiles() { return files; }\n}\n")
