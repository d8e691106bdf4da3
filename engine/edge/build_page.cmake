# Run with `cmake -P`: builds the page of SOURCE with npm into DIST. The sources
# are copied to WORK and built there, so that the source tree stays clean, and
# packages are fetched anew only when the lock file has changed. The feed's
# client, which the page imports, stands beside it: CLIENT is copied too.

function(run)
  execute_process(COMMAND ${ARGN}
    WORKING_DIRECTORY "${WORK}"
    RESULT_VARIABLE status
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR
      "${output}\nBuilding the page failed: ${command} (in ${WORK}). "
      "Without the page, configure with -DHERALD_PAGE=OFF.")
  endif()
endfunction()

file(MAKE_DIRECTORY "${WORK}")
file(GLOB old LIST_DIRECTORIES true "${WORK}/*")
list(REMOVE_ITEM old "${WORK}/node_modules" "${WORK}/installed-lock.json")
if(old)
  file(REMOVE_RECURSE ${old})
endif()
file(COPY "${SOURCE}/" DESTINATION "${WORK}" PATTERN node_modules EXCLUDE)
get_filename_component(beside "${WORK}" DIRECTORY)
file(REMOVE_RECURSE "${beside}/client")
file(COPY "${CLIENT}/" DESTINATION "${beside}/client"
  PATTERN node_modules EXCLUDE)

set(wanted "")
set(installed "")
file(SHA256 "${WORK}/package-lock.json" wanted)
if(EXISTS "${WORK}/installed-lock.json")
  file(SHA256 "${WORK}/installed-lock.json" installed)
endif()
if(NOT wanted STREQUAL installed)
  run("${NPM}" ci --no-audit --no-fund --loglevel=error)
  file(COPY_FILE "${WORK}/package-lock.json" "${WORK}/installed-lock.json")
endif()
run("${NPM}" run build -- --outDir "${DIST}" --emptyOutDir)
