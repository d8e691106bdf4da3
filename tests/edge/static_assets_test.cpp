#include "engine/edge/static_assets.hpp"

#include "tests/edge/edge_fixture.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

using namespace herald;

namespace {

/// Serves the files of tests/edge/assets, embedded as the page is.
struct page_fixture : edge_fixture {
  page_fixture() {
    make().assets(page_assets());
    start();
  }
};

std::string content_of(const std::string& name) {
  std::ifstream file{HERALD_SOURCE_DIR "/tests/edge/assets/" + name};
  return {std::istreambuf_iterator<char>{file}, {}};
}

} // namespace

TEST_CASE("a folder is embedded whole, with types and tags") {
  auto files = page_assets();
  REQUIRE(files.size() == 3);
  CHECK(files[0].path == "/assets/index-Ab12Cd34.js");
  CHECK(files[0].content_type == "text/javascript; charset=utf-8");
  CHECK(files[0].content == content_of("assets/index-Ab12Cd34.js"));
  CHECK(files[0].immutable);
  CHECK(files[1].path == "/");
  CHECK(files[1].content_type == "text/html; charset=utf-8");
  CHECK(files[1].content == content_of("index.html"));
  CHECK_FALSE(files[1].immutable);
  CHECK(files[2].path == "/mark.svg");
  CHECK(files[2].content_type == "image/svg+xml");
  // printf '<!doctype html>\n' | sha256sum
  CHECK(files[1].etag == "\"335fca8574f060eea24ebcdae6b78f32\"");
}

TEST_CASE_METHOD(page_fixture, "the page is served with a strict policy") {
  raw_client client{port()};
  auto got = client.get("/");
  CHECK(got.status == 200);
  CHECK(got.body == "<!doctype html>\n");
  CHECK(got.headers["content-type"] == "text/html; charset=utf-8");
  CHECK(
    got.headers["content-security-policy"].starts_with("default-src 'self';"));
  CHECK(got.headers["x-content-type-options"] == "nosniff");
  CHECK(got.headers["referrer-policy"] == "no-referrer");
  CHECK(got.headers["cache-control"] == "no-cache");
}

TEST_CASE_METHOD(
  page_fixture, "a page that the browser has is not sent again") {
  raw_client client{port()};
  auto tag = client.get("/").headers["etag"];
  auto got = client.get("/", "If-None-Match: " + tag + "\r\n");
  CHECK(got.status == 304);
  CHECK(got.headers["etag"] == tag);
  CHECK(got.headers["cache-control"] == "no-cache");
  CHECK(client.get("/", "If-None-Match: \"t0\"\r\n").status == 200);
}

TEST_CASE_METHOD(page_fixture, "files named by their content are kept a year") {
  raw_client client{port()};
  auto got = client.get("/assets/index-Ab12Cd34.js");
  CHECK(got.body == "let a = \"x\";\n");
  CHECK(got.headers["cache-control"] == "public, max-age=31536000, immutable");
}

TEST_CASE_METHOD(page_fixture, "files are read and nothing else") {
  raw_client client{port()};
  CHECK(client.request("HEAD", "/").headers["content-length"] == "16");
  auto got = client.request("POST", "/");
  CHECK(got.status == 405);
  CHECK(got.headers["allow"] == "GET, HEAD");
  for (auto path : {"/assets/", "/assets/../../etc/passwd", "/index.html",
         "/assets%2findex-Ab12Cd34.js/x"})
    CHECK(client.get(path).status == 404);
}
