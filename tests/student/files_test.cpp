// safetensors from strangers, and checkpoints that were torn, damaged, or killed while they were written.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "core/base/files.h"
#include "core/base/hash.h"
#include "core/student/checkpoint.h"
#include "core/weights/safetensors.h"
#include "tests/student/support.h"

using namespace retort;

namespace {

std::string with_header(const std::string& header, std::size_t data) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i));
  return file + header + std::string(data, '\0');
}

bool accepted(const std::string& header, std::size_t data) {
  return parse_safetensors(with_header(header, data)).has_value();
}

std::function<void(float*)> filled(std::vector<float> values) {
  return [values = std::move(values)](float* out) { std::copy(values.begin(), values.end(), out); };
}

std::string bytes_of_tensors(const std::vector<TensorToWrite>& tensors) {
  std::string all;
  REQUIRE_OK(write_safetensors(tensors, [&](std::string_view bytes) -> Result<void> {
    all += bytes;
    return {};
  }));
  return all;
}

Checkpoint numbered(std::int64_t step, std::size_t floats) {
  Checkpoint made;
  made.step = made.optimizer_steps = step;
  made.state = {{"rows_sha256", "x"}};
  made.parameters.assign(floats, static_cast<float>(step));
  made.first_moment.assign(floats, static_cast<float>(step) + 0.25f);
  made.second_moment.assign(floats, static_cast<float>(step) + 0.5f);
  return made;
}

void flip_byte(const std::string& path, std::size_t at) {
  auto bytes = read_file(path);
  REQUIRE_OK(bytes);
  (*bytes)[at % bytes->size()] ^= 1;
  std::ofstream(path, std::ios::binary) << *bytes;
}

}  // namespace

TEST_CASE("safetensors come back") {
  const std::vector<float> a{1, 2, 3, 4, 5, 6}, b{-1};
  const std::string bytes = bytes_of_tensors({{"b", {2, 3}, Numbers::f32, filled(a)},
                                              {"a", {1}, Numbers::bf16, filled(b)},
                                              {"none", {0, 5}, Numbers::f32, filled({})}});
  const auto tensors = parse_safetensors(bytes);
  REQUIRE_OK(tensors);
  REQUIRE(tensors->size() == 3);
  std::vector<float> out(6);
  read_floats(tensors->at("b"), out.data());
  CHECK(out == a);
  CHECK(tensors->at("b").shape == std::vector<std::int64_t>{2, 3});
  read_floats(tensors->at("a"), out.data());
  CHECK(out[0] == -1);
}

TEST_CASE("hostile safetensors headers are refused") {
  CHECK(accepted(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8));
  CHECK(accepted(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}   )", 4));
  CHECK(accepted(R"({"__metadata__":{"x":"y"}})", 0));
  CHECK(accepted(R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", 4));
  CHECK_FALSE(accepted(R"({"a":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}})", 16));
  CHECK_FALSE(accepted(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7));
  CHECK_FALSE(accepted(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 9));
  CHECK_FALSE(accepted(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8));
  CHECK_FALSE(accepted(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8));
  CHECK_FALSE(accepted(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8));
  CHECK_FALSE(accepted(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}})", 8));
  CHECK_FALSE(accepted(R"({"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,10]}})", 10));
  CHECK_FALSE(
      accepted(R"({"a":{"dtype":"F32","shape":[1099511627776,1099511627776,1099511627776],"data_offsets":[0,0]}})", 0));
  CHECK_FALSE(accepted(R"({"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0));
  CHECK_FALSE(accepted(
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})",
      6));
  CHECK_FALSE(accepted(
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
      12));
  CHECK_FALSE(accepted(R"({"a":[]})", 0));
  CHECK_FALSE(accepted(R"({"a":{}})", 0));
  CHECK_FALSE(accepted("[]", 0));
  CHECK_FALSE(accepted(" {}", 0));
  CHECK_FALSE(accepted("{", 0));
  CHECK_FALSE(parse_safetensors("").has_value());
  CHECK_FALSE(parse_safetensors("1234567").has_value());
  CHECK_FALSE(parse_safetensors(std::string(8, '\xff') + "{}").has_value());
  CHECK_FALSE(parse_safetensors(std::string("\x01\xe1\xf5\x05\0\0\0\0", 8) + "{}").has_value());  // 100,000,001
}

TEST_CASE("any change to a safetensors file is read or refused, never worse") {
  const std::vector<float> a{1, 2, 3, 4};
  const std::string bytes = bytes_of_tensors({{"a", {2, 2}, Numbers::f32, filled(a)}});
  std::mt19937 random(3);
  for (int i = 0; i < 5000; ++i) {
    std::string changed = bytes.substr(0, random() % 8 == 0 ? random() % bytes.size() : bytes.size());
    for (int n = static_cast<int>(random() % 4); n-- > 0 && !changed.empty();)
      changed[random() % changed.size()] = static_cast<char>(random());
    const auto file = parse_safetensors(changed);
    if (!file) continue;
    for (const auto& [name, tensor] : *file) {
      std::vector<float> out(tensor.count());
      read_floats(tensor, out.data());
    }
  }
}

TEST_CASE("the newest whole checkpoint is loaded, and two are kept") {
  TemporaryFolder folder;
  CHECK_FALSE(has_checkpoint(folder.path));
  CHECK_FALSE(load_checkpoint(folder.path).has_value());
  std::filesystem::create_directories(folder.path + "/step-00000007.unfinished");  // of a crash
  CHECK_FALSE(has_checkpoint(folder.path));
  for (const std::int64_t step : {10, 20, 30}) REQUIRE_OK(save_checkpoint(folder.path, numbered(step, 5)));
  CHECK_FALSE(std::filesystem::exists(folder.path + "/step-00000007.unfinished"));
  REQUIRE(has_checkpoint(folder.path));
  const auto loaded = load_checkpoint(folder.path);
  REQUIRE_OK(loaded);
  CHECK(loaded->step == 30);
  CHECK(loaded->first_moment == numbered(30, 5).first_moment);
  CHECK(loaded->second_moment == numbered(30, 5).second_moment);
  CHECK_FALSE(std::filesystem::exists(folder.path + "/step-00000010"));
  CHECK(std::filesystem::exists(folder.path + "/step-00000020"));
}

TEST_CASE("a damaged checkpoint is refused, and removing it brings back the one before") {
  for (const char* name : {"/state.json", "/tensors.safetensors"}) {
    TemporaryFolder folder;
    REQUIRE_OK(save_checkpoint(folder.path, numbered(1, 100)));
    REQUIRE_OK(save_checkpoint(folder.path, numbered(2, 100)));
    const std::string newest = folder.path + "/step-00000002";
    const auto size = std::filesystem::file_size(newest + name);
    for (const std::size_t at : {std::size_t{0}, size / 3, size / 2, size - 5}) {
      flip_byte(newest + name, at);
      const auto loaded = load_checkpoint(folder.path);
      INFO(name << " at " << at);
      // A flipped byte in white space between JSON values changes nothing; everything else must be seen.
      if (loaded) CHECK((loaded->step == 2 && loaded->parameters == numbered(2, 100).parameters));
      flip_byte(newest + name, at);
    }
    std::filesystem::resize_file(newest + name, size / 2);
    const auto torn = load_checkpoint(folder.path);
    REQUIRE_FALSE(torn.has_value());
    CHECK(torn.error().message.find("damaged") != std::string::npos);
    std::filesystem::remove(newest + name);
    CHECK_FALSE(load_checkpoint(folder.path).has_value());
    std::filesystem::remove_all(newest);
    CHECK(load_checkpoint(folder.path)->step == 1);
  }
}

TEST_CASE("killed while it writes checkpoints, a process leaves only whole ones") {
  TemporaryFolder folder;
  std::mt19937 random(11);
  std::int64_t begun = 1;
  for (int round = 0; round < 25; ++round) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      for (std::int64_t step = begun;; ++step) {
        if (!save_checkpoint(folder.path, numbered(step, 200'000))) _exit(1);
      }
    }
    usleep(static_cast<useconds_t>(2000 + random() % 40000));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    if (!has_checkpoint(folder.path)) continue;
    const auto loaded = load_checkpoint(folder.path);
    REQUIRE_OK(loaded);
    CHECK(loaded->parameters == numbered(loaded->step, 200'000).parameters);
    CHECK(loaded->step >= begun - 1);
    begun = loaded->step + 1;
  }
  CHECK(begun > 1);
}

TEST_CASE("a folder that cannot be written is told") {
  CHECK(save_checkpoint("/proc/none", numbered(1, 1)).error().code == Errc::disk);
  CHECK(replace_file("/proc/none/x", "y").error().code == Errc::disk);
  CHECK(read_file("/proc/none/x").error().code == Errc::usage);
  CHECK(read_file("/tmp").error().code == Errc::usage);
}
