#pragma once

#include "protocol/failure.hpp"

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace herald {

/// Extends LMDB's data file in the background, ahead of its use, so that a
/// commit cannot run out of space. Where there is time for it, with written
/// zeros: a disk takes blocks that were written before faster than new ones,
/// and a small commit into them needs no entry in the file system's journal. A
/// file that is used up fast gets blocks that are only allocated, since zeros
/// double what the disk has to write.
///
/// It only ever writes beyond size(), LMDB only below its map size, which the
/// owner keeps at or below size(): they never meet.
class written_ahead_file {
public:
  struct settings {
    /// Bytes that stay free on the file system.
    std::uint64_t reserve_bytes = 0;
  };

  /// Opens an existing file; what is in it counts as written. Starts a thread.
  static result<std::unique_ptr<written_ahead_file>> open(
    const std::filesystem::path& path, const settings& settings);

  /// Lets the piece that is being written end (a megabyte).
  ~written_ahead_file();
  written_ahead_file(const written_ahead_file&) = delete;
  written_ahead_file& operator=(const written_ahead_file&) = delete;

  /// Written or allocated so far, a multiple of a page.
  std::uint64_t size() const;

  /// How to answer a wish.
  enum class growth {
    /// With zeros.
    ahead,
    /// With allocated blocks: somebody waits, or will soon.
    at_once,
    /// At once, and the reserve may be used up for it, so that deleting works
    /// on a full disk.
    from_reserve,
  };

  /// Asks for at least `bytes`; returns at once. Smaller wishes than before are
  /// ignored.
  void want(std::uint64_t bytes, growth how = growth::ahead);

  /// Waits until size() > `bytes`. False when the disk is full before that, or
  /// writing failed.
  bool wait_beyond(std::uint64_t bytes);

  /// The last attempt to grow ended at the reserve. want() tries again.
  bool disk_full() const;

  /// A write or sync failed in a way that leaves the disk's state unknown.
  std::optional<failure> failed() const;

private:
  written_ahead_file(
    std::filesystem::path path, int file, std::uint64_t size, settings limits);
  void run();
  std::uint64_t room(bool use_reserve) const;
  result<void> write_zeros(std::uint64_t from, std::uint64_t to);
  result<void> allocate(std::uint64_t from, std::uint64_t to);

  std::filesystem::path path_;
  int file_;
  settings settings_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t size_;
  std::uint64_t wanted_ = 0;
  bool at_once_ = false;
  bool use_reserve_ = false;
  bool full_ = false;
  bool stopping_ = false;
  unsigned waiting_ = 0;
  std::optional<failure> failed_;
  std::thread thread_;
};

} // namespace herald
