#include "tools/herald/export.hpp"

#include "engine/client/http_client.hpp"
#include "tools/herald/exit_code.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace herald {

namespace {

int complain(int code, const std::string& message) {
  fmt::print(stderr, "herald export: {}\n", message);
  return code;
}

/// The words of a problem document, or what there is.
std::string words_of(int status, const bytes& body) {
  auto problem = nlohmann::json::parse(body, nullptr, false);
  if (problem.is_object() && problem.value("detail", "") != "")
    return problem["detail"].get<std::string>();
  return fmt::format("the node answered {}", status);
}

} // namespace

int run_export(const export_options& options) {
  bool events = options.what == "events";
  std::string fitting = events ? "jsonl" : "csv";
  auto format = options.format.empty() ? fitting : options.format;
  if (format != fitting)
    return complain(exit_usage,
      fmt::format("{} are printed as {}; use --format {}", options.what,
        fitting, fitting));
  if (events && options.topic.empty())
    return complain(exit_usage, "events need a topic, such as --topic match");

  http_request request;
  request.url = fmt::format(
    "{}/v1/export/{}?format={}", options.node, options.what, format);
  if (events)
    request.url += "&topic=" + percent_encode(options.topic);
  request.timeout = std::chrono::hours(24);
  // Only the body of a good answer goes to standard output: an error's is
  // small and comes in the first piece.
  bytes head;
  bool broken_pipe = false;
  bool good = false, known = false;
  request.on_body = [&](bytes_view piece) {
    if (!known) {
      known = true;
      good = !piece.starts_with("{\"type\":\"urn:herald:problem");
    }
    if (!good) {
      head += piece.substr(
        0, 64 * 1024 - std::min<std::size_t>(head.size(), 64 * 1024));
      return true;
    }
    if (std::fwrite(piece.data(), 1, piece.size(), stdout) != piece.size()) {
      broken_pipe = true;
      return false;
    }
    return true;
  };
  http_client client;
  auto answer = client.perform(request);
  if (broken_pipe)
    return complain(exit_io,
      fmt::format("cannot write the output: {}", std::strerror(errno)));
  if (!answer)
    return complain(exit_failure, answer.error().message);
  if (answer->status != 200)
    return complain(exit_failure, words_of(answer->status, head));
  if (std::fflush(stdout) != 0)
    return complain(exit_io,
      fmt::format("cannot write the output: {}", std::strerror(errno)));
  return exit_ok;
}

} // namespace herald
