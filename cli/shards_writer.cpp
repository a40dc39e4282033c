// Token shards for the loaders of others: each pair through the tokenizer's own chat template, shard by shard.
#include <array>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <vector>

#include "cli/output_file.h"
#include "cli/pair_writer.h"
#include "core/base/files.h"
#include "core/base/hash.h"
#include "core/export/text_messages.h"
#include "core/shards/shard_layout.h"
#include "core/weights/chat_files.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

struct Shard {
  std::string name;
  std::int64_t tokens = 0, pairs = 0;
};

class ShardsWriter final : public PairWriter {
 public:
  ShardsWriter(const ShardSettings& settings, ModelChat chat)
      : settings_(settings),
        format_(shard_format_of(settings.format)),
        chat_(std::move(chat)),
        width_(token_bytes(format_, chat_.tokenizer().vocabulary_size())),
        stem_(settings.output) {
    if (stem_.ends_with(".bin")) stem_.erase(stem_.size() - 4);
  }

  bool wants_preference() const override { return false; }
  Result<void> open() override { return begin_shard(); }

  Result<std::string> write(const Pair& pair, const Pair*) override {
    if (!pair.answer.tool_calls.is_null() && !pair.answer.tool_calls.empty()) return std::string("tool_calls");
    const auto messages = text_messages(pair.messages);
    if (!messages) return std::string("not_text");
    const auto row = chat_.row(*messages, completion_of(pair));
    if (!row) return row.error().message;
    const auto tokens = static_cast<std::int64_t>(row->ids.size());
    const std::int64_t held = shards_.back().tokens;
    if (settings_.tokens_max > 0 && held > 0 && held + tokens > settings_.tokens_max) {
      if (auto done = end_shard(); !done) return fail(done.error());
      if (auto done = begin_shard(); !done) return fail(done.error());
    }
    if (auto done = add(row->ids); !done) return fail(done.error());
    return std::string();
  }

  Result<void> finish() override {
    if (auto done = end_shard(); !done) return done;
    if (auto free = nothing_left_over(); !free) return free;
    if (format_ != ShardFormat::nanogpt) return {};
    return whole_file((fs::path(stem_).parent_path() / "meta.pkl").string(),
                      nanogpt_meta(chat_.tokenizer().vocabulary_size()));
  }

  Result<void> commit() override {
    for (OutputFile& file : finished_) {
      if (auto done = file.commit(); !done) return done;
    }
    return {};
  }

  void describe(Json& part) const override {
    part["tokenizer"] = {{"digest", sha256_hex(chat_.tokenizer().to_json())},
                         {"vocabulary", chat_.tokenizer().vocabulary_size()},
                         {"chat_template_digest", sha256_hex(chat_.format().chat_template)}};
    part["token_bytes"] = width_;
    part["shard_tokens"] = settings_.tokens_max;
    part["shards"] = Json::array();
    for (const Shard& shard : shards_)
      part["shards"].push_back({{"file", shard.name}, {"pairs", shard.pairs}, {"tokens", shard.tokens}});
  }

 private:
  Completion completion_of(const Pair& pair) const {
    const Response& answer = pair.answer;
    const std::string& text = answer.text.empty() ? answer.refusal : answer.text;
    if (settings_.reasoning == ReasoningStyle::drop || answer.reasoning.empty()) return {"", text};
    if (settings_.reasoning == ReasoningStyle::separate) return {answer.reasoning, text};
    return {"", "<think>" + answer.reasoning + "</think>\n\n" + text};
  }

  std::string place(std::size_t number) const {
    if (settings_.tokens_max == 0) return format_ == ShardFormat::megatron ? stem_ + ".bin" : settings_.output;
    std::array<char, 16> digits{};
    std::snprintf(digits.data(), digits.size(), "_%06zu", number);
    return stem_ + digits.data() + ".bin";
  }

  Result<void> begin_shard() {
    const std::string path = place(shards_.size());
    auto file = OutputFile::create(path);
    if (!file) return fail(file.error());
    if (!file->is_regular()) return fail(Errc::usage, "-o " + path + ": token shards are regular files");
    if (format_ == ShardFormat::megatron) {
      auto index = MegatronIndex::create();
      if (!index) return fail(index.error());
      index_.emplace(std::move(*index));
    }
    file_.emplace(std::move(*file));
    shards_.push_back({fs::path(path).filename().string(), 0, 0});
    const auto header = shard_header(format_, width_, 0);  // room, until the count is known
    return file_->write(*header);
  }

  Result<void> add(const std::vector<TokenId>& ids) {
    bytes_.clear();
    append_tokens(ids, width_, bytes_);
    if (auto done = file_->write(bytes_); !done) return done;
    shards_.back().tokens += static_cast<std::int64_t>(ids.size());
    ++shards_.back().pairs;
    return index_ ? index_->add(ids.size()) : Result<void>();
  }

  Result<void> end_shard() {
    const auto header = shard_header(format_, width_, shards_.back().tokens);
    if (!header) return fail(header.error());
    if (!header->empty()) {
      if (auto done = file_->overwrite_start(*header); !done) return done;
    }
    if (auto done = file_->finish(); !done) return done;
    finished_.push_back(std::move(*file_));
    file_.reset();
    if (!index_) return {};
    const std::string path = place(shards_.size() - 1);
    auto file = OutputFile::create(path.substr(0, path.size() - 4) + ".idx");
    if (!file) return fail(file.error());
    auto done = index_->write(width_, [&](std::string_view bytes) { return file->write(bytes); });
    if (done) done = file->finish();
    if (done) finished_.push_back(std::move(*file));
    return done;
  }

  Result<void> whole_file(const std::string& path, std::string_view bytes) {
    auto file = OutputFile::create(path);
    if (!file) return fail(file.error());
    if (auto done = file->write(bytes); !done) return done;
    if (auto done = file->finish(); !done) return done;
    finished_.push_back(std::move(*file));
    return {};
  }

  // Loaders take PREFIX_*.bin: what an earlier, longer export left would be read with this one.
  Result<void> nothing_left_over() const {
    if (settings_.tokens_max == 0) return {};
    const std::string next = place(shards_.size());
    std::error_code ignored;
    if (!fs::exists(next, ignored)) return {};
    return fail(Errc::usage, next + " is left from a longer export, and loaders would read it with this one: remove " +
                                 stem_ + "_*, or choose another name with -o");
  }

  ShardSettings settings_;
  ShardFormat format_;
  ModelChat chat_;
  std::size_t width_;
  std::string stem_;  ///< the output without ".bin"
  std::vector<Shard> shards_;
  std::optional<OutputFile> file_;
  std::optional<MegatronIndex> index_;
  std::vector<OutputFile> finished_;
  std::string bytes_;
};

}  // namespace

Result<std::unique_ptr<PairWriter>> shards_writer(const ShardSettings& settings) {
  if (settings.output == "-") {
    return fail(Errc::usage, "-f " + settings.format + " writes files, not standard output: name one with -o");
  }
  if (settings.tokenizer.empty()) {
    return fail(Errc::usage,
                "-f " + settings.format + " wants the tokenizer: --tokenizer FOLDER, a tokenizer.json or a GGUF file");
  }
  std::string chat_template;
  if (!settings.chat_template.empty()) {
    auto text = read_file(settings.chat_template);
    if (!text) return fail(text.error());
    chat_template = std::move(*text);
  }
  auto chat = chat_from_files(settings.tokenizer, chat_template);
  if (!chat) return fail(chat.error());
  return std::unique_ptr<PairWriter>(std::make_unique<ShardsWriter>(settings, std::move(*chat)));
}

}  // namespace retort
