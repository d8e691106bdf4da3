#pragma once

namespace herald {

/// SIGINT and SIGTERM as something to wait for. Made before any thread, so that
/// all threads inherit the mask and the signals wait here.
class termination_signals {
public:
  termination_signals();
  /// Blocks until a signal comes or wake() is called. A second signal, while
  /// the program drains, ends it at once.
  void wait();
  /// From any thread.
  void wake();

private:
  int descriptor_ = -1;
  int wake_ = -1;
};

} // namespace herald
