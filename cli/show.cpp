// `retort show`: one pair with everything that is known about it.
#include <unistd.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "core/base/clock.h"
#include "core/corpus/words.h"

namespace retort {
namespace {

struct ShowFlags {
  std::string corpus = "corpus.db";
  RowId response = 0;
  bool first = false, last = false, json = false, logprobs = false;
};

const char* may_train_word(const Terms& terms) {
  if (!terms.outputs_may_train) return "UNKNOWN";
  return *terms.outputs_may_train ? "yes" : "no";
}

Json or_null(const std::optional<Tokens>& tokens) { return tokens ? Json(*tokens) : Json(nullptr); }

Json rights_of(const Terms& terms) {
  return {{"licence", terms.licence},
          {"terms_url", terms.terms_url},
          {"terms_checked", terms.terms_checked},
          {"conditions", terms.conditions},
          {"outputs_may_train", terms.outputs_may_train ? Json(*terms.outputs_may_train) : Json(nullptr)}};
}

Json as_json(const Pair& pair) {
  const Response& answer = pair.answer;
  return {
      {"response", pair.response},
      {"request", pair.request},
      {"attempt", pair.attempt},
      {"prompt", pair.prompt},
      {"messages", pair.messages},
      {"reference", pair.reference},
      {"metadata", pair.metadata},
      {"source", pair.source},
      {"row", pair.source_row},
      {"sample", pair.sample},
      {"parameters", pair.parameters},
      {"text", answer.text},
      {"reasoning", answer.reasoning},
      {"refusal", answer.refusal},
      {"tool_calls", answer.tool_calls},
      {"finish", word(answer.finish)},
      {"partial", answer.partial},
      {"invalid", answer.invalid},
      {"continues", pair.continues ? Json(*pair.continues) : Json(nullptr)},
      {"logprob_tokens", pair.logprob_tokens},
      {"provider_finish", answer.provider_finish},
      {"usage",
       {{"input", or_null(answer.usage.input)},
        {"output", or_null(answer.usage.output)},
        {"cached_input", or_null(answer.usage.cached_input)},
        {"cache_creation", or_null(answer.usage.cache_creation)},
        {"reasoning", or_null(answer.usage.reasoning)}}},
      {"served_model", answer.served_model},
      {"system_fingerprint", answer.system_fingerprint},
      {"provider_id", answer.provider_id},
      {"teacher",
       {{"name", pair.teacher.name},
        {"dialect", pair.teacher.dialect},
        {"base_url", pair.teacher.base_url},
        {"model", pair.teacher.model},
        {"vendor", pair.teacher.vendor}}},
      {"terms", rights_of(pair.rights)},
      {"cost_usd", pair.cost.dollars()},
      {"latency_ms", seconds(pair.latency) * 1e3},
      {"first_token_ms", pair.first_token == Duration::zero() ? Json(nullptr) : Json(seconds(pair.first_token) * 1e3)},
      {"obtained_at", to_iso8601(pair.obtained)}};
}

class Printer {
 public:
  Printer() : palette_(STDOUT_FILENO) {}

  /// A line of facts, left out if there are none.
  void fact(const char* name, const std::string& value) const {
    if (value.empty()) return;
    std::string title(name);
    title.resize(10, ' ');
    print_line(palette_.dim(title) + visible_line(value));
  }
  void section(const std::string& title, const std::string& text) const {
    if (text.empty()) return;
    print_line("");
    print_line(palette_.bold(visible_line(title)));
    print_line(visible_text(text));
  }

 private:
  Palette palette_;
};

std::string tokens_of(const Usage& usage) {
  const auto count = [](const std::optional<Tokens>& tokens) { return tokens ? with_commas(*tokens) : "?"; };
  std::string line = count(usage.input) + " in, " + count(usage.output) + " out";
  if (usage.reasoning) line += " (" + with_commas(*usage.reasoning) + " of them reasoning)";
  if (usage.cached_input) line += ", " + with_commas(*usage.cached_input) + " of the input cached";
  return line;
}

std::string seconds_of(Duration duration) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.3f s", seconds(duration));
  return buffer;
}

std::string terms_of(const Terms& terms) {
  std::string line = std::string("may train: ") + may_train_word(terms);
  if (!terms.licence.empty()) line += ", licence " + terms.licence;
  for (const std::string& condition : terms.conditions) line += ", " + condition;
  if (!terms.terms_url.empty()) line += ", " + terms.terms_url;
  if (!terms.terms_checked.empty()) line += " (read " + terms.terms_checked + ")";
  return line;
}

void print_messages(const Printer& printer, const Json& messages) {
  if (!messages.is_array()) return;
  for (const Json& message : messages) {
    const std::string role = json_text(message, "role");
    const auto content = message.is_object() ? message.find("content") : message.end();
    if (!message.is_object() || content == message.end()) continue;
    printer.section(role, content->is_string() ? content->get<std::string>() : dump_json(*content));
  }
}

void print_pair(const Pair& pair) {
  const Printer printer;
  const Response& answer = pair.answer;
  printer.fact("response", std::to_string(pair.response) + " (request " + std::to_string(pair.request) + ", attempt " +
                               std::to_string(pair.attempt) + ", sample " + std::to_string(pair.sample) + ")");
  if (!pair.source.empty()) printer.fact("source", pair.source + ", row " + std::to_string(pair.source_row));
  printer.fact("teacher", pair.teacher.name + " (" + pair.teacher.model +
                              (pair.teacher.vendor.empty() ? "" : " by " + pair.teacher.vendor) + ") at " +
                              pair.teacher.base_url);
  if (answer.served_model != pair.teacher.model) printer.fact("served as", answer.served_model);
  printer.fact("terms", terms_of(pair.rights));
  if (!pair.parameters.empty()) printer.fact("asked", dump_json(pair.parameters));
  printer.fact("finish", std::string(word(answer.finish)) +
                             (answer.provider_finish.empty() || answer.provider_finish == word(answer.finish)
                                  ? ""
                                  : " (" + answer.provider_finish + ")"));
  if (answer.partial) printer.fact("partial", "the stream was cut: this is what came before");
  printer.fact("invalid", answer.invalid);
  if (pair.continues) printer.fact("continues", "response " + std::to_string(*pair.continues));
  printer.fact("tokens", tokens_of(answer.usage));
  if (pair.logprob_tokens > 0)
    printer.fact("logprobs", "of " + with_commas(pair.logprob_tokens) + " tokens (--logprobs prints them)");
  printer.fact("cost", as_dollars(pair.cost));
  printer.fact("obtained", to_iso8601(pair.obtained) + ", after " + seconds_of(pair.latency) +
                               (pair.first_token == Duration::zero()
                                    ? std::string()
                                    : " (first token after " + seconds_of(pair.first_token) + ")"));
  print_messages(printer, pair.messages);
  printer.section("reasoning", answer.reasoning);
  printer.section("answer", answer.text);
  printer.section("refusal", answer.refusal);
  if (!answer.tool_calls.is_null()) printer.section("tool calls", dump_json(answer.tool_calls));
  printer.section("reference", pair.reference);
}

// A token may be a part of a character: then its text alone does not say what it is.
Json bytes_of(const std::string& bytes) {
  Json list = Json::array();
  for (const char byte : bytes) list.push_back(static_cast<unsigned char>(byte));
  return list;
}

Json as_json(const std::vector<TokenLogprob>& tokens) {
  Json lines = Json::array();
  for (const TokenLogprob& token : tokens) {
    Json top = Json::array();
    for (const auto& other : token.top)
      top.push_back({{"token", other.bytes}, {"bytes", bytes_of(other.bytes)}, {"logprob", other.logprob}});
    lines.push_back({{"token", token.bytes},
                     {"bytes", bytes_of(token.bytes)},
                     {"logprob", token.logprob},
                     {"top_logprobs", std::move(top)}});
  }
  return lines;
}

void print_logprobs(const std::vector<TokenLogprob>& tokens) {
  print_line("");
  for (const TokenLogprob& token : tokens) {
    char number[32];
    std::snprintf(number, sizeof number, "%9.4f  ", static_cast<double>(token.logprob));
    std::string line = number + dump_json(token.bytes);
    for (const auto& other : token.top) {
      std::snprintf(number, sizeof number, " %.3f", static_cast<double>(other.logprob));
      line += "  " + dump_json(other.bytes) + number;
    }
    print_line(visible_line(line));
  }
}

Result<RowId> chosen(CorpusReader& reader, const ShowFlags& flags) {
  if (flags.response > 0) return flags.response;
  if (flags.first) {
    const auto pairs = reader.pairs_after(0, 1);
    if (!pairs) return fail(pairs.error());
    if (!pairs->empty()) return pairs->front().response;
  } else {
    const auto newest = reader.newest_response();
    if (!newest) return fail(newest.error());
    if (*newest > 0) return *newest;
  }
  return fail(Errc::usage, flags.corpus + " has no responses yet: see retort status -c " + flags.corpus);
}

Result<int> run_show(Edges& edges, const ShowFlags& flags) {
  if ((flags.response > 0) + flags.first + flags.last != 1) {
    return fail(Errc::usage, "which response? Give its id, or --first, or --last");
  }
  const auto reader = edges.corpora.read(flags.corpus);
  if (!reader) return fail(reader.error());
  const auto id = chosen(**reader, flags);
  if (!id) return fail(id.error());
  const auto pair = reader.value()->pair(*id);
  if (!pair) {
    if (pair.error().code != Errc::usage) return fail(pair.error());
    const auto newest = reader.value()->newest_response();
    if (newest && *id <= *newest) return fail(pair.error());  // it was there: forgotten
    return fail(Errc::usage, "no response " + std::to_string(*id) + " in " + flags.corpus +
                                 (newest && *newest > 0 ? ": the newest is " + std::to_string(*newest)
                                                        : ": it has no responses yet"));
  }
  std::vector<TokenLogprob> logprobs;
  if (flags.logprobs) {
    auto read = reader.value()->logprobs(*id);
    if (!read) return fail(read.error());
    logprobs = std::move(*read);
  }
  if (flags.json) {
    Json object = as_json(*pair);
    if (flags.logprobs) object["logprobs"] = as_json(logprobs);
    print_line(visible_json(dump_json(object)));
  } else {
    print_pair(*pair);
    if (flags.logprobs) print_logprobs(logprobs);
  }
  return 0;
}

}  // namespace

void add_show(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ShowFlags>();
  CLI::App* command = app.add_subcommand("show", "One prompt with its answer and everything known about it");
  command->add_option("id", flags->response, "Response id, as in exported lines")->check(positive_number());
  command->add_flag("--first", flags->first, "The oldest complete answer");
  command->add_flag("--last", flags->last, "The newest answer");
  command->add_option("-c,--corpus", flags->corpus, "Corpus to read")->capture_default_str();
  command->add_flag("--logprobs", flags->logprobs, "Also the log probability of each token and its alternatives");
  command->add_flag("--json", flags->json, "One line of JSON");
  command->footer("Example:\n  retort show --last -c corpus.db\n  retort show 42 -c corpus.db --json");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_show(edges, *flags); }; });
}

}  // namespace retort
