// manifest.json: any text gives a manifest that holds together, or a DataError. The fingerprint would refuse
// every change at once, so most inputs get the right one first.
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/data/manifest.h"

#include "input_file.h"

namespace {

using Json = nlohmann::ordered_json;

constexpr int kMostDepth = 40;  // writing deeper ones would overflow our own stack

// The text with the fingerprint that it should have; itself where there is nothing to repair.
std::string with_fingerprint(const std::string& text) {
  const auto keep = [](int depth, Json::parse_event_t /*event*/, Json& /*value*/) {
    return depth < kMostDepth;
  };
  Json json = Json::parse(text, keep, false);
  if (!json.is_object()) return text;
  json.erase("fingerprint");
  try {
    json["fingerprint"] = ft::xxh3_128_of(json.dump());
    return json.dump();
  } catch (const Json::exception&) {  // strings that are no UTF-8
    return text;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ft::InputFile file(ft::kManifestName);
  const std::string text = with_fingerprint({reinterpret_cast<const char*>(data), size});
  file.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  try {
    const ft::Manifest manifest = ft::read_manifest(file.directory());
    if (manifest.samples() == 0 || manifest.classes.size() != manifest.counts.size()) std::abort();
    static_cast<void>(ft::to_json_text(manifest));
  } catch (const ft::DataError&) {
  }
  return 0;
}
