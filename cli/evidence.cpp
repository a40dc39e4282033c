// `retort verify-manifest` and `retort trace`: from what was made back to what it was made of.
#include <fstream>
#include <iterator>

#include "cli/command.h"
#include "cli/terminal.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/corpus/content_digest.h"
#include "core/curate/origins.h"
#include "core/curate/verify_manifest.h"

namespace retort {
namespace {

struct EvidenceFlags {
  std::string corpus = "corpus.db", what, view;
  bool json = false;
};

Result<std::string> read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad()) return fail(Errc::usage, "cannot read " + path);
  return text;
}

Result<int> run_verify(Edges& edges, const EvidenceFlags& flags) {
  const auto text = read_whole(flags.what);
  if (!text) return fail(text.error());
  const auto manifest = parse_json(*text);
  if (!manifest) return fail(Errc::usage, flags.what + " is no manifest: " + manifest.error().message);
  auto reader = edges.corpora.read(flags.corpus);
  if (!reader) return fail(reader.error());
  const auto proof = verify_manifest(**reader, *manifest);
  if (!proof) return fail(proof.error().code, flags.what + ": " + proof.error().message);
  if (flags.json) {
    print_line(visible_json(dump_json({{"holds", proof->differences.empty()},
                                       {"responses", proof->responses},
                                       {"forgotten", proof->forgotten.size()},
                                       {"forgotten_responses", proof->forgotten},
                                       {"differences", proof->differences}})));
  } else {
    if (!proof->forgotten.empty())
      print_line("forgotten since: " + id_list(proof->forgotten) + " (retort show ID says when and why)");
    for (const std::string& line : proof->differences) print_line("differs: " + visible_line(line));
  }
  if (!proof->differences.empty())
    return fail(Errc::corpus, flags.corpus + " is not what " + flags.what + " describes: see the differences");
  say(flags.corpus + " holds exactly what " + flags.what + " describes: " + with_commas(proof->responses) +
      " responses" +
      (proof->forgotten.empty() ? ""
                                : ", of which " + with_commas(static_cast<std::int64_t>(proof->forgotten.size())) +
                                      " were forgotten since"));
  return 0;
}

// A response id, or an exported line that has one.
Result<RowId> response_of(const std::string& what) {
  if (!what.empty() && what.size() < 19 && what.find_first_not_of("0123456789") == std::string::npos)
    return static_cast<RowId>(std::stoll(what));
  const auto line = parse_json(what);
  const auto id = line ? json_count(json_child(*line, "retort"), "response") : std::nullopt;
  if (id) return *id;
  return fail(Errc::usage, "give a response id, or an exported line with its field 'retort' (--bare leaves it out)");
}

Json trace_json(const Pair& pair) {
  return {{"response", pair.response},
          {"request", pair.request},
          {"attempt", pair.attempt},
          {"prompt", pair.prompt},
          {"source", pair.source},
          {"row", pair.source_row},
          {"sample", pair.sample},
          {"parameters", pair.parameters},
          {"teacher", pair.teacher.name},
          {"dialect", pair.teacher.dialect},
          {"base_url", pair.teacher.base_url},
          {"model", pair.teacher.model},
          {"served_model", pair.answer.served_model},
          {"provider_id", pair.answer.provider_id},
          {"obtained_at", to_iso8601(pair.obtained)},
          {"cost_usd", pair.cost.dollars()},
          {"content_digest", content_digest(pair)},
          {"terms", terms_json(pair.rights)}};
}

// Back to the requests in which its prompt was made; response 0 is in another corpus.
Json makers_json(const std::vector<Maker>& makers) {
  Json list = Json::array();
  for (const Maker& maker : makers) {
    Json one = {{"method", maker.made.method},      {"teacher", maker.teacher.name},
                {"dialect", maker.teacher.dialect}, {"base_url", maker.teacher.base_url},
                {"model", maker.teacher.model},     {"digest", maker.made.digest},
                {"parents", maker.made.parents},    {"terms", terms_json(maker.rights)}};
    if (maker.made.response != 0) {
      one["response"] = maker.made.response;
      one["obtained_at"] = maker.obtained_at;
      one["cost_usd"] = maker.cost.dollars();
      one["served_model"] = maker.served_model;
    }
    list.push_back(std::move(one));
  }
  return list;
}

Result<int> run_trace(Edges& edges, const EvidenceFlags& flags) {
  const auto id = response_of(flags.what);
  if (!id) return fail(id.error());
  auto reader = edges.corpora.read(flags.corpus);
  if (!reader) return fail(reader.error());
  const auto pair = (*reader)->pair(*id);
  if (!pair) return fail(pair.error());
  Json trace = trace_json(*pair);
  const auto makers = makers_of(**reader, pair->messages, pair->metadata);
  if (!makers) return fail(makers.error());
  if (!makers->empty()) trace["prompt_made_by"] = makers_json(*makers);
  const auto views = (*reader)->views();
  if (!views) return fail(views.error());
  Json left_out = Json::object();
  for (const ViewRecord& view : *views) {
    const auto drop = (*reader)->dropped(view.id, *id);
    if (!drop) return fail(drop.error());
    if (*drop) left_out[view.name] = (*drop)->stage + ": " + (*drop)->reason;
  }
  trace["left_out_of"] = left_out;
  if (flags.json) {
    print_line(visible_json(dump_json(trace)));
    return 0;
  }
  for (const auto& [key, value] : trace.items())
    print_line(key + std::string(key.size() < 16 ? 16 - key.size() : 1, ' ') +
               visible_line(value.is_string() ? value.get<std::string>() : dump_json(value)));
  return 0;
}

}  // namespace

void add_verify_manifest(CLI::App& app, Action& action) {
  auto flags = std::make_shared<EvidenceFlags>();
  CLI::App* command =
      app.add_subcommand("verify-manifest", "Prove that a corpus is what a manifest describes, or show what differs");
  command->add_option("manifest", flags->what, "The manifest of an export or of a trained student")->required();
  command->add_option("-c,--corpus", flags->corpus, "Corpus to compare with")->capture_default_str();
  command->add_flag("--json", flags->json, "As one line of JSON");
  command->footer("Example:\n  retort verify-manifest train.jsonl.manifest.json -c corpus.db");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_verify(edges, *flags); }; });
}

void add_trace(CLI::App& app, Action& action) {
  auto flags = std::make_shared<EvidenceFlags>();
  CLI::App* command = app.add_subcommand("trace", "From an exported pair back to its request, time, terms and cost");
  command->add_option("pair", flags->what, "An exported line, or a response id")->required();
  command->add_option("-c,--corpus", flags->corpus, "Corpus it came from")->capture_default_str();
  command->add_flag("--json", flags->json, "As one line of JSON");
  command->footer("Example:\n  retort trace 17 -c corpus.db\n  retort trace \"$(head -1 train.jsonl)\" -c corpus.db");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_trace(edges, *flags); }; });
}

}  // namespace retort
