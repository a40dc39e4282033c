#include "core/prompt/prompt_source.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <utility>

#include "core/base/text.h"
#include "core/corpus/metadata.h"
#include "core/parquet/parquet_file.h"
#include "core/prompt/images.h"

namespace retort {
namespace {

// One prompt is a line; a line beyond this is no prompt but a wrong file.
constexpr std::size_t kLineBytesMax = 64u << 20;

Json user_message(std::string text) { return {{"role", "user"}, {"content", std::move(text)}}; }

// The problem with a `messages` array, or nothing.
std::optional<std::string> problem_with(const Json& messages) {
  if (!messages.is_array() || messages.empty()) return "'messages' is not a list of messages";
  for (const Json& message : messages) {
    if (!message.is_object() || json_text(message, "role").empty()) return "a message has no 'role'";
    const auto content = message.find("content");
    if (content == message.end() || !(content->is_string() || content->is_array())) {
      return "a message's 'content' is neither text nor a list of parts";
    }
  }
  return {};
}

/// As they are asked: after the system message that the settings bring, unless they have their own.
Messages asked(Json messages, const PromptSettings& settings) {
  if (!settings.system.empty() && json_text(messages.front(), "role") != "system")
    messages.insert(messages.begin(), Json{{"role", "system"}, {"content", settings.system}});
  return messages;
}

PromptEvent from_object(Json object, const PromptSettings& settings, const std::string& source, std::int64_t row) {
  const auto bad = [&](std::string problem) { return BadRow{source, row, std::move(problem)}; };
  if (!object.is_object()) return bad("a row must be a JSON object");
  PromptRow result{source, row, {}, {}, nullptr};
  const char* used = nullptr;
  if (!settings.prompt_template.empty()) {
    Result<std::string> filled = fill_template(settings.prompt_template, object);
    if (!filled) return bad(filled.error().message);
    result.messages = asked(Json::array({user_message(std::move(*filled))}), settings);
  } else if (object.contains("messages")) {
    if (const auto problem = problem_with(object["messages"])) return bad(*problem);
    result.messages = asked(std::move(object["messages"]), settings);
    used = "messages";
  } else if (object.contains("prompt")) {
    if (!object["prompt"].is_string()) return bad("'prompt' must be a text (a conversation stands in 'messages')");
    result.messages = asked(Json::array({user_message(std::move(object["prompt"].get_ref<std::string&>()))}), settings);
    used = "prompt";
  } else {
    return bad("no 'messages' and no 'prompt': name the fields to use with --prompt-template '… {{field}} …'");
  }
  if (used) object.erase(used);
  if (const auto reference = object.find("reference"); reference != object.end()) {
    result.reference = reference->is_string() ? reference->get<std::string>()
                       : reference->is_null() ? std::string()
                                              : dump_json(*reference);
    object.erase(reference);
  }
  result.metadata = metadata_of(std::move(object));
  return result;
}

class FileSource final : public PromptSource {
 public:
  FileSource(std::vector<std::string> paths, PromptSettings settings)
      : paths_(std::move(paths)), settings_(std::move(settings)) {
    for (const std::string& path : paths_) {
      std::error_code unknown;
      const auto size = path == "-" ? std::uintmax_t(-1) : std::filesystem::file_size(path, unknown);
      if (unknown || size == std::uintmax_t(-1))
        bytes_total_.reset();
      else if (bytes_total_)
        *bytes_total_ += size;
    }
  }

  std::optional<PromptEvent> next() override {
    std::string line;
    while (parquet_ || stream_ || open_next()) {
      if (!unreadable_.empty()) return BadRow{source_, 1, std::exchange(unreadable_, {}), true};
      if (parquet_) {
        if (auto event = next_of_parquet()) return event;
        continue;
      }
      if (!std::getline(*stream_, line)) {
        stream_ = nullptr;
        continue;
      }
      ++row_;
      bytes_read_ += static_cast<double>(line.size() + 1);
      if (line.size() > kLineBytesMax) return BadRow{source_, row_, "the line is longer than 64 MiB"};
      if (row_ == 1 && line.rfind("\xEF\xBB\xBF", 0) == 0) line.erase(0, 3);
      const std::string_view text = trimmed(line);
      if (text.empty()) continue;
      if (row_ == 1 && begins_as_parquet(text) && settings_.format == PromptFormat::automatic) {
        stream_ = nullptr;
        return BadRow{source_, row_, kParquetInAPipe, true};
      }
      if (format_ == PromptFormat::automatic) format_ = text.front() == '{' ? PromptFormat::jsonl : PromptFormat::text;
      return with_images(parse_prompt_line(text, format_, settings_, source_, row_));
    }
    return {};
  }

  std::optional<double> fraction_read() const override {
    if (!bytes_total_) return {};
    return *bytes_total_ == 0 ? 1.0 : std::min(1.0, bytes_read_ / static_cast<double>(*bytes_total_));
  }

 private:
  /// A row is the line of JSON that it would be. Nothing: the file has ended.
  std::optional<PromptEvent> next_of_parquet() {
    ParquetRow row;
    const auto more = parquet_->next(row);
    ++row_;
    bytes_read_ += bytes_a_row_;
    if (more && *more && row.problem.empty())
      return with_images(parse_prompt_line(row.json, PromptFormat::jsonl, settings_, source_, row_));
    if (more && *more) return BadRow{source_, row_, row.problem};
    parquet_.reset();
    if (!more) return BadRow{source_, row_, more.error().message, true};
    return {};
  }

  /// Paths are relative to the file that names them, so that a folder of prompts and images can be moved.
  PromptEvent with_images(PromptEvent event) const {
    auto* const row = std::get_if<PromptRow>(&event);
    if (row == nullptr || !has_image_parts(row->messages.json())) return event;
    const std::string folder = source_ == "-" ? "" : std::filesystem::path(source_).parent_path().string();
    Result<Json> messages = read_images(row->messages.json(), folder);
    if (!messages) return BadRow{row->source, row->row, messages.error().message};
    row->messages = std::move(*messages);
    return event;
  }

  bool open_next() {
    if (next_path_ == paths_.size()) return false;
    source_ = paths_[next_path_++];
    row_ = 0;
    format_ = settings_.format;
    if (format_ == PromptFormat::automatic && is_parquet(source_)) return open_parquet();
    if (source_ == "-") {
      stream_ = &std::cin;
      return true;
    }
    if (format_ == PromptFormat::automatic) {
      const std::string ending = lower_ascii(std::filesystem::path(source_).extension().string());
      const bool json = ending == ".jsonl" || ending == ".ndjson" || ending == ".json";
      // A named pipe (<(generator)) has no ending: its first character decides.
      if (json || std::filesystem::is_regular_file(source_)) format_ = json ? PromptFormat::jsonl : PromptFormat::text;
    }
    file_ = std::ifstream(source_, std::ios::binary);
    stream_ = &file_;
    return true;
  }

  bool open_parquet() {
    auto rows = ParquetRows::open(source_);
    std::error_code unknown;
    if (rows) {
      parquet_ = std::move(*rows);
      const auto size = std::filesystem::file_size(source_, unknown);
      bytes_a_row_ = unknown ? 0 : static_cast<double>(size) / static_cast<double>(parquet_->count() + 1);
    } else {  // though open_prompts() could read it
      unreadable_ = rows.error().message;
    }
    return true;
  }

  std::vector<std::string> paths_;
  PromptSettings settings_;
  std::size_t next_path_ = 0;
  std::string source_;
  std::int64_t row_ = 0;
  PromptFormat format_ = PromptFormat::automatic;
  std::ifstream file_;
  std::istream* stream_ = nullptr;
  std::unique_ptr<ParquetRows> parquet_;
  std::string unreadable_;
  double bytes_read_ = 0, bytes_a_row_ = 0;  ///< of all; of Parquet, on average
  std::optional<std::uintmax_t> bytes_total_ = 0;
};

}  // namespace

Result<std::string> fill_template(const std::string& text, const Json& object) {
  std::string result;
  std::size_t at = 0;
  for (std::size_t open = text.find("{{"); open != std::string::npos; open = text.find("{{", at)) {
    const std::size_t close = text.find("}}", open);
    if (close == std::string::npos) break;
    result.append(text, at, open - at);
    const std::string name(trimmed(std::string_view(text).substr(open + 2, close - open - 2)));
    const auto field = object.find(name);
    if (field == object.end()) return fail(Errc::usage, "the row has no field '" + name + "' for the template");
    result += field->is_string() ? field->get<std::string>() : dump_json(*field);
    at = close + 2;
  }
  result.append(text, at);
  return result;
}

PromptEvent parse_prompt_line(std::string_view line, PromptFormat format, const PromptSettings& settings,
                              const std::string& source, std::int64_t row) {
  if (format == PromptFormat::text) {
    if (!is_valid_utf8(line)) return BadRow{source, row, "the line is not UTF-8"};
    PromptRow text{source, row, {}, {}, nullptr};
    text.messages = asked(Json::array({user_message(std::string(line))}), settings);
    return text;
  }
  Result<Json> object = parse_json(line);
  if (!object) return BadRow{source, row, "not JSON: " + object.error().message};
  return from_object(std::move(*object), settings, source, row);
}

Result<std::unique_ptr<PromptSource>> open_prompts(const std::vector<std::string>& paths, PromptSettings settings) {
  for (const std::string& path : paths) {
    if (settings.format == PromptFormat::automatic && is_parquet(path)) {
      if (auto rows = ParquetRows::open(path); !rows) return fail(rows.error());
      continue;
    }
    if (path == "-") continue;
    if (std::error_code unknown; std::filesystem::is_directory(path, unknown)) {
      return fail(Errc::usage, "cannot read prompts from '" + path + "': it is a folder; name a file");
    }
    // Opening a named pipe to look would wait for its writer, so only what is no pipe is tried.
    if (std::error_code unknown; std::filesystem::is_fifo(path, unknown)) continue;
    if (!std::ifstream(path)) {
      return fail(Errc::usage, "cannot read prompts from '" + path + "': no such file, or no permission to read it");
    }
  }
  return std::unique_ptr<PromptSource>(new FileSource(paths, std::move(settings)));
}

}  // namespace retort
