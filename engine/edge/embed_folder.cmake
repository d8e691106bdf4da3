# Run with `cmake -P`: writes OUTPUT, a C++ file that embeds every file below
# FOLDER and defines herald::page_assets(). index.html becomes "/"; files below
# assets/ with a hash in their name ("name-Ab12Cd34.js") are immutable. The
# entity tag is a hash of the content, so OUTPUT changes whenever a file does.

function(content_type_of path result)
  set(found "application/octet-stream")
  get_filename_component(extension "${path}" LAST_EXT)
  if(extension STREQUAL ".css")
    set(found "text/css; charset=utf-8")
  elseif(extension STREQUAL ".html")
    set(found "text/html; charset=utf-8")
  elseif(extension STREQUAL ".ico")
    set(found "image/x-icon")
  elseif(extension STREQUAL ".js")
    set(found "text/javascript; charset=utf-8")
  elseif(extension STREQUAL ".json")
    set(found "application/json")
  elseif(extension STREQUAL ".png")
    set(found "image/png")
  elseif(extension STREQUAL ".svg")
    set(found "image/svg+xml")
  elseif(extension STREQUAL ".txt")
    set(found "text/plain; charset=utf-8")
  elseif(extension STREQUAL ".woff2")
    set(found "font/woff2")
  endif()
  set(${result} "${found}" PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE files RELATIVE "${FOLDER}" "${FOLDER}/*")
list(SORT files)
if(NOT files)
  message(FATAL_ERROR "there is nothing to embed in ${FOLDER}")
endif()

set(assembly "")
set(symbols "")
set(table "")
set(number 0)
foreach(path IN LISTS files)
  set(file "${FOLDER}/${path}")
  file(SIZE "${file}" size)
  file(SHA256 "${file}" hash)
  string(SUBSTRING "${hash}" 0 32 hash)
  content_type_of("${path}" type)
  set(url "/${path}")
  if(url STREQUAL "/index.html")
    set(url "/")
  endif()
  set(immutable false)
  if(url MATCHES "^/assets/.+-[A-Za-z0-9_-]+\\.[a-z0-9]+$")
    set(immutable true)
  endif()
  set(symbol "herald_asset_${number}")
  string(APPEND assembly
    ".globl ${symbol}\n.hidden ${symbol}\n${symbol}:\n.incbin \"${file}\"\n")
  string(APPEND symbols "extern const char ${symbol}[];\n")
  string(APPEND table "  {\"${url}\", \"${type}\", {${symbol}, ${size}},\n"
    "    \"\\\"${hash}\\\"\", ${immutable}},\n")
  math(EXPR number "${number} + 1")
endforeach()

file(WRITE "${OUTPUT}" "// Made by embed_folder.cmake.

#include \"engine/edge/static_assets.hpp\"

asm(R\"(
.section .rodata,\"a\",@progbits
${assembly}.text
)\");

extern \"C\" {
${symbols}}

namespace herald {

namespace {

const static_asset files[] = {
${table}};

} // namespace

std::span<const static_asset> page_assets() { return files; }

} // namespace herald
")
