#include "engine/store/sealing.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch.hpp>

using namespace herald;

namespace {

bytes from_hex(std::string_view hex) {
  bytes out;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    out.push_back(
      static_cast<char>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16)));
  return out;
}

} // namespace

TEST_CASE("sealing is the AES-256-GCM of its authors' test cases") {
  // McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16.
  aes_256_key key{};
  auto key_bytes = from_hex(
    "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  std::copy(key_bytes.begin(), key_bytes.end(), key.begin());
  gcm_nonce nonce{};
  auto nonce_bytes = from_hex("cafebabefacedbaddecaf888");
  std::copy(nonce_bytes.begin(), nonce_bytes.end(), nonce.begin());
  auto plain = from_hex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  auto associated = from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  auto sealed = must(gcm_seal(key, nonce, plain, associated));
  CHECK(sealed
    == from_hex(
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
      "76fc6ece0f4e1768cddf8853bb2d551b"));
  CHECK(must(gcm_open(key, nonce, sealed, associated)) == plain);
}

TEST_CASE("an empty document can be sealed") {
  auto sealed = must(gcm_seal({}, {}, "", ""));
  CHECK(sealed.size() == gcm_tag_bytes);
  CHECK(must(gcm_open({}, {}, sealed, "")) == "");
  CHECK(fault_of(gcm_open({}, {}, "", "")) == fault::damaged);
}
