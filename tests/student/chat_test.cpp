// A student that exists is trained, asked and written in its own chat template and with its own tokens.
#include <algorithm>
#include <fstream>

#include "core/base/files.h"
#include "core/base/text.h"
#include "core/student/generate.h"
#include "core/student/train_data.h"
#include "core/student/weights.h"
#include "core/text/bpe_trainer.h"
#include "tests/student/support.h"

using namespace retort;

extern "C" const retort_student* retort_student_entry(uint32_t host_abi);

namespace {

// What a folder from Hugging Face holds: ChatML with an end of turn that is not the model's own end.
class ForeignModel {
 public:
  explicit ForeignModel(const std::string& template_name = "smollm2") : path_(folder_.path + "/model") {
    REQUIRE_OK(make_folder(path_));
    BpeTrainer trainer;
    for (int i = 0; i < 40; ++i)
      trainer.add("What is " + std::to_string(i) + " plus one? You are a helpful assistant.");
    std::vector<AddedToken> marks;
    for (const char* mark : {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}) marks.push_back({0, mark, true});
    auto tokenizer = trainer.train({320, 2, marks});
    REQUIRE_OK(tokenizer);
    ModelConfig config = tiny_config();
    config.vocabulary = static_cast<std::int64_t>(tokenizer->vocabulary_size());
    config.context = 256;
    config.end_token = *tokenizer->added_id("<|endoftext|>");
    config.begin_token = *tokenizer->added_id("<|im_start|>");
    Model model(config, at::kCPU);
    model.initialise(3);
    REQUIRE_OK(save_weights(path_, model, ""));
    write("config.json", config_to_json(config));
    write("tokenizer.json", tokenizer->to_json());
    const auto text = read_file(RETORT_SOURCE_DIR "/tests/unit/templates/" + template_name + ".jinja");
    REQUIRE_OK(text);
    write("tokenizer_config.json",
          Json({{"bos_token", "<|im_start|>"}, {"eos_token", "<|endoftext|>"}, {"chat_template", *text}, {"kept", 7}})
              .dump());
    write("generation_config.json", Json({{"eos_token_id", config.end_token}, {"top_k", 20}}).dump());
  }
  const std::string& path() const { return path_; }
  std::string run() const { return folder_.path + "/run"; }
  void write(const std::string& name, const std::string& text) { REQUIRE_OK(replace_file(path_ + "/" + name, text)); }
  Json json(const std::string& name) const { return *parse_json(*read_file(path_ + "/" + name)); }

 private:
  TemporaryFolder folder_;
  std::string path_;
};

const Json kQuestion = Json::array({{{"role", "user"}, {"content", "What is 1 plus one?"}}});

struct Trained {
  retort_status status;
  std::string message;
  std::vector<Json> events;
};

// Eight pairs, one of them with words that look like marks.
Trained train(const ForeignModel& model, Json settings = Json::object()) {
  settings["student"] = model.path();
  settings["run"] = model.run();
  settings["device"] = "cpu";
  settings["validation_fraction"] = 0;
  if (!settings.contains("steps")) settings["steps"] = 2;
  Trained trained{};
  const retort_host host{
      &trained,
      [](void*, retort_take_pair take, void* sink) {
        for (std::int64_t id = 1; id <= 8; ++id) {
          const std::string question = kQuestion.dump(), answer = id == 1 ? "<|im_end|>2" : std::to_string(id);
          const retort_pair pair{id, {question.data(), question.size()}, {nullptr, 0}, {answer.data(), answer.size()}};
          if (take(sink, &pair) != 0) break;
        }
        return 0;
      },
      [](void* context, retort_text line) {
        static_cast<Trained*>(context)->events.push_back(*parse_json({line.data, line.size}));
      },
      [](void*) { return 0; }};
  retort_failure failure{};
  const std::string text = settings.dump();
  trained.status = retort_student_entry(RETORT_STUDENT_ABI)->train({text.data(), text.size()}, &host, &failure);
  trained.message = failure.message;
  return trained;
}

std::string text_of(const StudentChat& chat, std::span<const TokenId> ids) {
  return chat.tokenizer().decode(ids, true);
}

}  // namespace

TEST_CASE("rows of a student that exists are written in its template, and learned from where it will go on") {
  const ForeignModel model;
  const auto chat = StudentChat::open(model.path());
  REQUIRE_OK(chat);
  const auto prompt = chat->prompt(kQuestion);
  const auto row = chat->row(kQuestion, {"", "<|im_end|>2"});
  REQUIRE_OK(prompt);
  REQUIRE_OK(row);
  CHECK(text_of(*chat, *prompt) ==
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nWhat is 1 plus one?<|im_end|>\n<|im_start|>assistant\n");
  REQUIRE(row->learned_from == prompt->size());
  CHECK(std::equal(prompt->begin(), prompt->end(), row->ids.begin()));
  CHECK(text_of(*chat, std::span(row->ids).subspan(row->learned_from)) == "<|im_end|>2<|im_end|>");
  const TokenId end = *chat->tokenizer().added_id("<|im_end|>"), begin = *chat->tokenizer().added_id("<|im_start|>");
  CHECK(row->ids.front() == begin);
  CHECK(row->ids[1] != begin);  // no second BOS
  CHECK(row->ids.back() == end);
  CHECK(std::count(row->ids.begin() + static_cast<std::ptrdiff_t>(row->learned_from), row->ids.end(), end) == 1);
  CHECK(chat->is_end(end));
  CHECK(chat->is_end(*chat->tokenizer().added_id("<|endoftext|>")));
}

TEST_CASE("reasoning goes where the template wants it and is taken apart again") {
  for (const char* name : {"smollm2", "qwen3", "qwen2.5"}) {
    INFO(name);
    const ForeignModel model(name);
    const auto chat = StudentChat::open(model.path());
    REQUIRE_OK(chat);
    const auto row = chat->row(kQuestion, {"one and one", "2"});
    REQUIRE_OK(row);
    const auto all = std::span(row->ids);
    const Completion parsed = chat->parse(all.first(row->learned_from), all.subspan(row->learned_from));
    CHECK(parsed.reasoning == "one and one");
    CHECK(trimmed(parsed.text) == "2");
  }
  // A prompt that opens the reasoning itself: what is written goes on from there.
  ForeignModel model;
  const std::string opening =
      "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}"
      "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n<think>\\n' }}{% endif %}";
  const auto chat = StudentChat::open(model.path(), opening);
  REQUIRE_OK(chat);
  const auto prompt = chat->prompt(kQuestion);
  REQUIRE_OK(prompt);
  std::vector<TokenId> written;
  chat->tokenizer().encode_ordinary("one and one\n</think>\n\n2", written);
  const Completion parsed = chat->parse(*prompt, written);
  CHECK(parsed.reasoning == "one and one");
  CHECK(parsed.text == "2");
}

TEST_CASE("a run of a student that exists carries its tokenizer, its template and every end") {
  const ForeignModel model;
  const Trained trained = train(model);
  INFO(trained.message);
  REQUIRE(trained.status == RETORT_STATUS_OK);
  const auto json = [&](const char* name) { return *parse_json(*read_file(model.run() + "/" + name)); };
  CHECK(json("tokenizer.json") == model.json("tokenizer.json"));
  CHECK(json("tokenizer_config.json") == model.json("tokenizer_config.json"));
  const auto run = load_run(model.run(), at::kCPU);
  REQUIRE_OK(run);
  const TokenId turn = *run->chat->tokenizer().added_id("<|im_end|>"),
                text = *run->chat->tokenizer().added_id("<|endoftext|>");
  CHECK(json("generation_config.json")["eos_token_id"] == Json::array({turn, text}));
  CHECK(json("generation_config.json")["top_k"] == 20);
  CHECK(json("config.json")["eos_token_id"] == Json::array({text, turn}));
  REQUIRE_FALSE(trained.events.empty());
  const auto before = StudentChat::open(model.path());
  REQUIRE_OK(before);
  std::int64_t learned = 0;
  for (std::int64_t id = 1; id <= 8; ++id) {
    const auto row = before->row(kQuestion, {"", id == 1 ? "<|im_end|>2" : std::to_string(id)});
    learned += static_cast<std::int64_t>(row->ids.size() - row->learned_from);
  }
  CHECK(json_count(trained.events.front(), "learned_tokens") == learned);
}

TEST_CASE("a student that exists stops at the end of its turn") {
  const ForeignModel model;
  const Trained trained = train(model, {{"steps", 60}, {"learning_rate", 0.02}});
  REQUIRE(trained.status == RETORT_STATUS_OK);
  const auto run = load_run(model.run(), at::kCPU);
  REQUIRE_OK(run);
  const auto answers = generate(*run, {kQuestion}, {.tokens_max = 40}, [] { return false; });
  REQUIRE_OK(answers);
  CHECK(answers->front().ended);
  CHECK(answers->front().tokens < 40);
  CHECK(answers->front().completion.text.find("<|im_end|>") == std::string::npos);
}

TEST_CASE("a model that cannot be spoken with is refused before anything is written") {
  const auto refused = [](ForeignModel& model, const std::string& why) {
    const Trained trained = train(model);
    INFO(trained.message);
    CHECK(trained.status == RETORT_STATUS_USAGE);
    CHECK(trained.message.find(why) != std::string::npos);
    CHECK(trained.message.find('\n') == std::string::npos);
    CHECK_FALSE(std::filesystem::exists(model.run()));
  };
  ForeignModel beyond, none, unknown, endless;
  Json config = beyond.json("tokenizer_config.json");
  config["chat_template"] = "{% import 'x' as y %}";
  beyond.write("tokenizer_config.json", config.dump());
  refused(beyond, "/model: chat template, line 1");
  config.erase("chat_template");
  none.write("tokenizer_config.json", config.dump());
  refused(none, "--chat-template");
  Json tokenizer = unknown.json("tokenizer.json");
  tokenizer["model"]["type"] = "Unigram";
  unknown.write("tokenizer.json", tokenizer.dump());
  refused(unknown, "Unigram");
  config["chat_template"] = "{% for m in messages %}{{ m.content }}{% endfor %}";
  endless.write("tokenizer_config.json", config.dump());
  refused(endless, "end-of-turn");
}
