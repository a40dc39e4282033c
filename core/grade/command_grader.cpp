#include "core/grade/command_grader.h"

#include <cmath>
#include <utility>

#include "core/base/hash.h"
#include "core/base/text.h"

namespace retort {
namespace {

constexpr std::size_t kAtOnce = 64;  // questions on the way, so that memory does not grow with the batch

class CommandGrader final : public Grader {
 public:
  CommandGrader(std::string command, StartLineProgram start, Duration timeout)
      : command_(std::move(command)), start_(std::move(start)), timeout_(timeout) {}

  Result<std::vector<Grade>> grade_all(std::span<const GradeInput> inputs) override {
    std::vector<Grade> verdicts;
    while (verdicts.size() < inputs.size()) {
      const auto part = inputs.subspan(verdicts.size(), std::min(kAtOnce, inputs.size() - verdicts.size()));
      if (auto asked = ask(part, verdicts); !asked) return fail(asked.error());
    }
    return verdicts;
  }

  bool pure() const override { return false; }
  std::string digest() const override { return "command/1/" + sha256_hex(command_); }

 private:
  Result<void> ask(std::span<const GradeInput> inputs, std::vector<Grade>& verdicts) {
    if (!program_) {
      auto started = start_(command_);
      if (!started) return fail(started.error());
      program_ = std::move(*started);
    }
    std::vector<std::string> lines;
    const std::int64_t first = asked_;
    for (const GradeInput& input : inputs) lines.push_back(command_question(input, asked_++));
    const auto replies = program_->exchange(lines, timeout_);
    if (!replies) return fail(replies.error());
    for (std::size_t i = 0; i < replies->size(); ++i) {
      auto verdict = parse_command_reply((*replies)[i], first + static_cast<std::int64_t>(i));
      if (!verdict) return fail(verdict.error());
      verdicts.push_back(std::move(*verdict));
    }
    return {};
  }

  std::string command_;
  StartLineProgram start_;
  Duration timeout_;
  std::unique_ptr<LineProgram> program_;
  std::int64_t asked_ = 0;
};

Failure bad_reply(const std::string& why, std::string_view line) {
  return fail(Errc::usage, "the grader's command " + why + ": " + shortened(on_one_line(to_valid_utf8(line)), 100));
}

}  // namespace

std::string command_question(const GradeInput& input, std::int64_t id) {
  Json question = {{"id", id},
                   {"answer", to_valid_utf8(input.answer)},
                   {"reasoning", to_valid_utf8(input.reasoning)},
                   {"reference", to_valid_utf8(input.reference)}};
  question["messages"] = input.messages == nullptr ? Json::array() : *input.messages;
  question["metadata"] = input.metadata == nullptr ? Json(nullptr) : *input.metadata;
  return dump_json(question);
}

Result<Grade> parse_command_reply(std::string_view line, std::int64_t id) {
  const auto reply = parse_json(line);
  if (!reply) return bad_reply("wrote a line that is no JSON (" + reply.error().message + ")", line);
  if (!reply->is_object()) return bad_reply("wrote JSON that is no object", line);
  if (reply->contains("id") && json_count(*reply, "id") != id)
    return bad_reply("answered another question than the one asked, " + std::to_string(id), line);
  Grade verdict;
  const auto score = reply->find("score");
  if (score != reply->end()) {
    if (!score->is_number()) return bad_reply("gave a 'score' that is no number", line);
    verdict.score = score->get<double>();
    if (!(verdict.score >= 0 && verdict.score <= 1)) return bad_reply("gave a 'score' that is not from 0 to 1", line);
    verdict.kind = verdict.score >= 0.5 ? Grade::Kind::right : Grade::Kind::wrong;
  }
  const std::string word = json_text(*reply, "verdict");
  if (word == "right" || word == "wrong" || word == "ungradable") {
    verdict.kind = word == "right"   ? Grade::Kind::right
                   : word == "wrong" ? Grade::Kind::wrong
                                     : Grade::Kind::ungradable;
    if (score == reply->end()) verdict.score = word == "right" ? 1 : 0;
  } else if (!word.empty() || score == reply->end() || reply->contains("verdict")) {
    return bad_reply("gave neither a 'verdict' (right, wrong, ungradable) nor a 'score'", line);
  }
  verdict.reason = shortened(on_one_line(json_text(*reply, "reason")), 500);
  if (verdict.reason.empty()) verdict.reason = "so says the command";
  verdict.extracted = json_text(*reply, "extracted");
  return verdict;
}

Result<std::unique_ptr<Grader>> command_grader(std::string_view command, StartLineProgram start, Duration timeout) {
  if (trimmed(command).empty())
    return fail(Errc::usage, "the grader 'command' needs a command line: command:python3 check.py");
  if (!start) return fail(Errc::usage, "no command can be started here");
  return std::unique_ptr<Grader>(std::make_unique<CommandGrader>(std::string(command), std::move(start), timeout));
}

}  // namespace retort
