#pragma once

/// xxHash's XXH3 with the widest vector instructions that the processor has; by
/// itself <xxhash.h> calls the ones that every x86-64 has, at half the speed.
/// The result is the same. States are declared for use without an allocation
/// (Debian's header and library are of one version).
#define XXH_STATIC_LINKING_ONLY
#if defined(__x86_64__)
#  include <xxh_x86dispatch.h>
#else
#  include <xxhash.h>
#endif
