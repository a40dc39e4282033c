// Numbers as files of weights hold them, against gguf's Python package; GGUF there and back; a whole model converted.
#include <cmath>
#include <filesystem>
#include <fstream>

#include "core/base/files.h"
#include "core/base/json.h"
#include "core/weights/convert.h"
#include "core/weights/gguf_model.h"
#include "core/weights/safetensors.h"
#include "core/weights/tokenizer_files.h"
#include "tests/catch.h"
#include "tests/support/temporary_folder.h"

using namespace retort;
namespace fs = std::filesystem;

namespace {

const std::string kCheckpoints = RETORT_SOURCE_DIR "/tests/student/checkpoints/";

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

std::function<void(float*)> filled(std::vector<float> values) {
  return [values = std::move(values)](float* out) { std::copy(values.begin(), values.end(), out); };
}

// A checkpoint of the tests with a tokenizer of 97 tokens beside it.
std::string folder_with_tokenizer(const TemporaryFolder& folder, const std::string& name) {
  const std::string path = folder.path(name);
  fs::copy(kCheckpoints + name, path);
  BpeModel tokens;
  for (char c = ' '; c <= '~'; ++c) tokens.tokens.push_back(std::string(1, c));
  tokens.tokens.push_back("ab");
  tokens.merges.emplace_back('a' - ' ', 'b' - ' ');
  tokens.tokens.resize(97);
  tokens.added.push_back({96, "<|end|>", true});
  const auto tokenizer = BpeTokenizer::create(std::move(tokens));
  REQUIRE(tokenizer.has_value());
  std::ofstream(path + "/tokenizer.json") << tokenizer->to_json();
  std::ofstream(path + "/tokenizer_config.json") << R"({"chat_template": "{{ messages }}", "add_bos_token": false})";
  std::ofstream(path + "/manifest.json") << R"({"pairs": 3})";
  Json config = *parse_json(*read_file(path + "/config.json"));
  if (name == "llama") {  // GGUF has no place for another scaling of this kind than the published ones
    config["rope_parameters"]["factor"] = 32;
    config["rope_parameters"]["rope_theta"] = 500000;
    config["rope_parameters"]["original_max_position_embeddings"] = 8192;
  }
  std::ofstream(path + "/config.json") << config.dump();
  return path;
}

std::vector<float> floats_of(const Pretrained& model, const std::string& name) {
  const StoredTensor& tensor = model.tensors.find(name)->second;
  std::vector<float> values(tensor.count());
  read_floats(tensor, values.data());
  return values;
}

}  // namespace

TEST_CASE("quantised numbers have the values that gguf gives them", "[weights]") {
  const auto text = read_file(kCheckpoints + "quants.json");
  REQUIRE(text.has_value());
  const Json expected = *parse_json(*text);
  int kinds = 0;
  for (int i = 0; i <= static_cast<int>(Numbers::q6_k); ++i) {
    const auto numbers = static_cast<Numbers>(i);
    const std::string name(layout_of(numbers).name);
    if (!expected.contains(name)) continue;
    ++kinds;
    INFO(name);
    const std::string bytes = from_hex(expected[name]["bytes"]);
    const auto wanted = expected[name]["values"].get<std::vector<float>>();
    REQUIRE(bytes_of(numbers, wanted.size()) == bytes.size());
    std::vector<float> values(wanted.size());
    to_floats(numbers, bytes, values.size(), values.data());
    for (std::size_t n = 0; n < wanted.size(); ++n)
      CHECK(std::fabs(values[n] - wanted[n]) <= 1e-6F * std::max(1.0F, std::fabs(wanted[n])));
  }
  CHECK(kinds == 12);
  const auto values = expected["to_q8_0"]["values"].get<std::vector<float>>();
  std::string bytes;
  from_floats(Numbers::q8_0, values.data(), values.size(), bytes);
  CHECK(bytes == from_hex(expected["to_q8_0"]["bytes"]));
}

TEST_CASE("halves are the nearest, and every half comes back", "[weights]") {
  for (int bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = half_to_float(half);
    if (std::isnan(value)) continue;
    CHECK_FALSE(float_to_half(value) != half);
  }
  CHECK(float_to_half(65519.9F) == 0x7bff);
  CHECK(float_to_half(65520.0F) == 0x7c00);
  CHECK(float_to_half(1.0F + 0x1.0p-11F) == 0x3c00);  // a tie goes to the even one
  CHECK(float_to_half(1.0F + 0x1.8p-10F) == 0x3c02);
  CHECK(std::isnan(half_to_float(float_to_half(NAN))));
}

TEST_CASE("GGUF comes back", "[weights]") {
  const GgufMetadata metadata = {{"a.count", std::uint32_t{7}},
                                 {"a.number", 0.5F},
                                 {"a.flag", true},
                                 {"a.text", std::string("x")},
                                 {"a.texts", std::vector<std::string>{"p", "q r"}},
                                 {"a.ids", std::vector<std::int32_t>{1, -2}}};
  std::vector<float> rows(64);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i) - 31;
  std::string bytes;
  REQUIRE(write_gguf(metadata,
                     {{"one", {3}, Numbers::f32, filled({1, 2, 3})}, {"two", {2, 32}, Numbers::q8_0, filled(rows)}},
                     [&](std::string_view more) -> Result<void> {
                       bytes += more;
                       return {};
                     })
              .has_value());
  const auto file = parse_gguf(bytes);
  REQUIRE(file.has_value());
  CHECK(file->count("a.count") == 7);
  CHECK(file->number("a.number") == 0.5);
  CHECK(file->value("a.flag") == true);
  CHECK(file->text("a.text") == "x");
  CHECK(file->texts("a.texts") == std::vector<std::string>{"p", "q r"});
  CHECK(file->numbers("a.ids") == std::vector<std::int32_t>{1, -2});
  const StoredTensor& two = file->tensors.at("two");
  CHECK(two.shape == std::vector<std::int64_t>{2, 32});
  std::vector<float> out(64);
  read_floats(two, out.data());
  for (std::size_t i = 0; i < out.size(); ++i) CHECK(std::fabs(out[i] - rows[i]) < 0.2F);
  for (std::size_t size = 0; size < bytes.size(); size += 7)
    CHECK_FALSE(parse_gguf(std::string_view(bytes).substr(0, std::min(size, bytes.size() - 32))).has_value());
  bytes[4] = 9;
  CHECK(parse_gguf(bytes).error().message.find("versions 2 and 3") != std::string::npos);
}

TEST_CASE("a model converted to GGUF and back is the same to the last bit", "[weights]") {
  for (const char* name : {"llama", "qwen2", "qwen3"}) {
    INFO(name);
    const TemporaryFolder folder;
    const std::string path = folder_with_tokenizer(folder, name), gguf = folder.path("x.gguf"),
                      again = folder.path("again");
    const auto converted = convert_model(path, gguf, Numbers::f32);
    INFO((converted ? "" : converted.error().message));
    REQUIRE(converted.has_value());
    const auto back = convert_model(gguf, again, Numbers::f32);
    INFO((back ? "" : back.error().message));
    REQUIRE(back.has_value());
    const auto first = open_pretrained(path), last = open_pretrained(again), between = open_pretrained(gguf);
    REQUIRE((first.has_value() && last.has_value() && between.has_value()));
    CHECK(first->config == last->config);
    for (const auto& [tensor, shape] : tensors_of(first->config)) {
      INFO(tensor);
      CHECK(floats_of(*first, tensor) == floats_of(*last, tensor));
      CHECK(floats_of(*first, tensor) == floats_of(*between, tensor));
    }
    const auto text = text_of_folder(again);
    REQUIRE(text.has_value());
    CHECK(text->chat_template == "{{ messages }}");
    CHECK(text->tokenizer.encode("abc<|end|>") == std::vector<TokenId>{95, 'c' - ' ', 96});
    CHECK(*read_file(again + "/manifest.json") == R"({"pairs": 3})");
  }
}

TEST_CASE("converting says what is in the way and leaves nothing behind", "[weights]") {
  const TemporaryFolder folder;
  const std::string path = folder_with_tokenizer(folder, "qwen2"), gguf = folder.path("x.gguf");
  CHECK(convert_model(path, path, Numbers::f32).error().message.find("is there already") != std::string::npos);
  CHECK(convert_model(path, folder.path("x"), Numbers::q8_0).error().message.find("q8_0 is for GGUF") !=
        std::string::npos);
  fs::remove(path + "/tokenizer.json");
  CHECK(convert_model(path, gguf, Numbers::f32).error().message.find("tokenizer.json") != std::string::npos);
  CHECK_FALSE(fs::exists(gguf));
  CHECK_FALSE(fs::exists(gguf + ".new"));
  CHECK(convert_model(folder.path("none.gguf"), gguf, Numbers::f32).error().code == Errc::usage);
}
