// `retort export`: lines or rows for other trainers. The gate comes first: nothing is written unless terms and evidence
// allow it, what is written is exactly what the manifest describes, and a file is there whole or not at all.
#include <filesystem>
#include <map>
#include <optional>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/output_file.h"
#include "cli/pair_writer.h"
#include "cli/run_record.h"
#include "cli/terminal.h"
#include "core/curate/admission.h"
#include "core/export/format.h"
#include "core/parquet/parquet_file.h"
#include "core/shards/shard_layout.h"

namespace retort {
namespace {

struct ExportFlags {
  std::string corpus = "corpus.db";
  std::string format = "chat";
  std::string output;
  std::string manifest;
  std::string reasoning = "separate", compress = "auto";
  std::string tokenizer, chat_template;
  std::string view = "all", split;
  bool plain = false, bare = false, parquet = false;
  std::int64_t pairs_max = 0, shard_tokens = 0;
  std::vector<std::string> permissions, explanations;
};

struct Written {
  std::int64_t lines = 0;
  std::map<std::string, std::int64_t> left_out;  ///< why → pairs
};

bool same_file(const std::string& a, const std::string& b) {
  std::error_code ignored;
  return std::filesystem::equivalent(a, b, ignored) || std::filesystem::absolute(a, ignored).lexically_normal() ==
                                                           std::filesystem::absolute(b, ignored).lexically_normal();
}

// Where the manifest goes; empty: nowhere.
Result<std::string> manifest_place(const ExportFlags& flags) {
  const bool to_stdout = flags.output == "-";
  std::error_code ignored;
  const auto status = std::filesystem::status(flags.output, ignored);
  const bool stream = to_stdout || (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status));
  const std::string place = !flags.manifest.empty() ? flags.manifest
                            : stream                ? std::string()
                                                    : flags.output + ".manifest.json";
  for (const std::string& output : {flags.output, place}) {
    if (!output.empty() && output != "-" && same_file(output, flags.corpus)) {
      return fail(Errc::usage, "-o " + output + " is the corpus itself: choose another file");
    }
  }
  if (!place.empty() && !stream && same_file(place, flags.output)) {
    return fail(Errc::usage, "--manifest " + place + " is the exported file itself: choose another file");
  }
  return place;
}

// What the flags ask for. Nothing is made yet.
Result<std::unique_ptr<PairWriter>> make_writer(const ExportFlags& flags) {
  const auto reasoning = reasoning_style_of(flags.reasoning);
  if (!reasoning) return fail(reasoning.error());
  const bool parquet = flags.parquet || has_parquet_name(flags.output);
  if (is_shard_format(flags.format)) {
    if (parquet) return fail(Errc::usage, "Parquet holds lines: -f " + flags.format + " writes tokens");
    if (flags.compress != "auto" && flags.compress != "none")
      return fail(Errc::usage, "--compress goes with lines: loaders map token shards into memory as they are");
    if (flags.plain || flags.bare)
      return fail(Errc::usage, "--plain and --bare go with lines; token shards are tokens alone");
    return shards_writer(
        {flags.format, flags.output, flags.tokenizer, flags.chat_template, flags.shard_tokens, *reasoning});
  }
  for (const auto& [given, name] :
       {std::pair(!flags.tokenizer.empty(), "--tokenizer"), std::pair(!flags.chat_template.empty(), "--chat-template"),
        std::pair(flags.shard_tokens > 0, "--shard-tokens")}) {
    if (given) return fail(Errc::usage, std::string(name) + " goes with token shards: -f llmc, nanogpt or megatron");
  }
  auto format = make_format(flags.format, {*reasoning, flags.plain, flags.bare});
  if (!format) return fail(format.error());
  // Compressed as a whole it would be no Parquet any more; within, zstd is what its readers know best.
  const auto compression = compression_for(parquet && flags.compress == "auto" ? "zstd" : flags.compress, flags.output);
  if (!compression) return fail(compression.error());
  return lines_writer(std::move(*format), {flags.output, *compression, parquet});
}

Result<Written> write_pairs(CorpusReader& reader, const Admission& admission, PairWriter& writer) {
  Written written;
  std::optional<Pair> preferred;  // waits for the half it was preferred to
  auto done = read_admitted(reader, admission, [&](const Pair& pair) -> Result<void> {
    if (interrupted()) return fail(Errc::interrupted, "stopped: the export is not complete");
    if (admission.preference && !preferred) {
      preferred = pair;
      return {};
    }
    const auto left_out = preferred ? writer.write(*preferred, &pair) : writer.write(pair, nullptr);
    preferred.reset();
    if (!left_out) return fail(left_out.error());
    if (left_out->empty()) {
      ++written.lines;
    } else {
      ++written.left_out[*left_out];
    }
    return {};
  });
  if (!done) return fail(done.error());
  if (written.lines == 0 && admission.pairs > 0) {
    return fail(Errc::usage, "none of " + with_commas(admission.pairs) + " pairs can be written in this format (" +
                                 written.left_out.begin()->first + "): choose another with -f, or leave out --plain");
  }
  if (auto finished = writer.finish(); !finished) return fail(finished.error());
  return written;
}

void describe(Json& manifest, const ExportFlags& flags, const PairWriter& writer,
              const std::optional<Written>& written) {
  manifest["export"] = {
      {"format", flags.format}, {"reasoning", flags.reasoning}, {"plain", flags.plain}, {"bare", flags.bare}};
  writer.describe(manifest["export"]);
  if (!written) return;
  manifest["export"]["lines"] = written->lines;
  manifest["export"]["left_out"] = written->left_out;
}

Result<void> record(Edges& edges, const ExportFlags& flags, const std::vector<Permission>& granted,
                    const Json& manifest) {
  const RunStart run = run_start(edges, "export",
                                 {{"corpus", flags.corpus},
                                  {"output", flags.output},
                                  {"format", flags.format},
                                  {"reasoning", flags.reasoning},
                                  {"view", flags.view},
                                  {"split", flags.split},
                                  {"pairs_max", flags.pairs_max}});
  const RunEnd end{0,
                   {},
                   {{"pairs", manifest["pairs"]},
                    {"frozen_at", manifest["frozen_at"]},
                    {"digest", manifest["digest"]},
                    {"export", manifest["export"]}}};
  auto recorded = edges.corpora.record(flags.corpus, run, end, granted);
  // A statement must be kept; that somebody read a write-protected corpus need not be.
  if (recorded || !granted.empty()) return recorded;
  say("note: this export is not on record in " + flags.corpus + ": " + recorded.error().message);
  return {};
}

void summarize(const ExportFlags& flags, const Admission& admission, const Written& written,
               const std::string& manifest) {
  std::string line = with_commas(written.lines) + (is_shard_format(flags.format) ? " pairs as tokens" : " lines") +
                     " written to " + (flags.output == "-" ? "standard output" : flags.output);
  if (!manifest.empty()) line += ", manifest " + manifest;
  for (const auto& [why, count] : written.left_out) line += "; left out: " + with_commas(count) + " (" + why + ")";
  say(line);
  const Json& strictest = admission.manifest["terms"]["strictest"];
  std::string conditions;
  for (const Json& condition : strictest["conditions"]) {
    conditions += (conditions.empty() ? "; conditions: " : ", ") + visible_line(condition.get<std::string>());
  }
  say("terms: may train: " + strictest["outputs_may_train"].get<std::string>() + conditions + "; digest " +
      admission.digest.substr(0, 16));
  if (admission.pairs == 0) say(nothing_in(flags.corpus, flags.view, flags.split));
}

Result<void> write_manifest(OutputFile& file, const Json& manifest) {
  const std::string text = manifest.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (auto done = file.write(text); !done) return done;
  return file.finish();
}

// Everything is on disk under other names before the corpus hears of it, and only then gets its name.
Result<Written> export_to_file(Edges& edges, const ExportFlags& flags, CorpusReader& reader, Admission& admission,
                               PairWriter& writer, const std::vector<Permission>& granted,
                               const std::string& manifest_path) {
  if (auto opened = writer.open(); !opened) return fail(opened.error());
  auto written = write_pairs(reader, admission, writer);
  if (!written) return written;
  describe(admission.manifest, flags, writer, *written);
  std::optional<OutputFile> manifest;
  if (!manifest_path.empty()) {
    auto created = OutputFile::create(manifest_path);
    if (!created) return fail(created.error());
    manifest.emplace(std::move(*created));
    if (auto done = write_manifest(*manifest, admission.manifest); !done) return fail(done.error());
  }
  if (auto done = record(edges, flags, granted, admission.manifest); !done) return fail(done.error());
  if (manifest) {
    if (auto done = manifest->commit(); !done) return fail(done.error());
  }
  if (auto done = writer.commit(); !done) return fail(done.error());
  return written;
}

// A stream cannot be taken back, so the corpus hears of it before its first byte.
Result<Written> export_to_stdout(Edges& edges, const ExportFlags& flags, CorpusReader& reader, Admission& admission,
                                 PairWriter& writer, const std::vector<Permission>& granted,
                                 const std::string& manifest_path) {
  std::optional<OutputFile> manifest;
  if (!manifest_path.empty()) {
    auto created = OutputFile::create(manifest_path);
    if (!created) return fail(created.error());
    manifest.emplace(std::move(*created));
  }
  describe(admission.manifest, flags, writer, {});
  if (auto done = record(edges, flags, granted, admission.manifest); !done) return fail(done.error());
  if (auto opened = writer.open(); !opened) return fail(opened.error());
  auto written = write_pairs(reader, admission, writer);
  if (!written) return written;
  if (manifest) {
    describe(admission.manifest, flags, writer, *written);
    if (auto done = write_manifest(*manifest, admission.manifest); !done) return fail(done.error());
    if (auto done = manifest->commit(); !done) return fail(done.error());
  }
  return written;
}

Result<int> run_export(Edges& edges, const ExportFlags& flags) {
  const auto writer = make_writer(flags);
  if (!writer) return fail(writer.error());
  const auto granted = permissions_of(flags.permissions, flags.explanations);
  if (!granted) return fail(granted.error());
  const auto manifest = manifest_place(flags);
  if (!manifest) return fail(manifest.error());

  auto reader = edges.corpora.read(flags.corpus);
  if (!reader) return fail(reader.error());
  auto admission = admit(**reader, {"export", *granted, flags.pairs_max, flags.view, flags.split});
  if (!admission) return fail(admission.error());
  if (admission->preference != (*writer)->wants_preference()) {
    return fail(Errc::usage, admission->preference
                                 ? "view '" + flags.view + "' holds preference pairs: export it with -f preference"
                                 : "-f preference wants a view of preference pairs: retort curate --recipe preference");
  }

  on_interrupt({});  // from here on a stop must not leave half a file
  const auto write = flags.output == "-" ? export_to_stdout : export_to_file;
  const auto written = write(edges, flags, **reader, *admission, **writer, *granted, *manifest);
  if (!written) return fail(written.error());
  summarize(flags, *admission, *written, *manifest);
  return 0;
}

}  // namespace

void add_export(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ExportFlags>();
  CLI::App* command =
      app.add_subcommand("export", "Write answered prompts for other trainers: JSON lines, Parquet or tokens");
  command->add_option("-c,--corpus", flags->corpus, "Corpus to read")->capture_default_str();
  command
      ->add_option("-f,--format", flags->format,
                   "'chat' (messages), 'prompt-completion' (TRL), 'alpaca', 'sharegpt', 'preference' (DPO); tokens: "
                   "'llmc', 'nanogpt', 'megatron'")
      ->capture_default_str()
      ->check(CLI::IsMember(
          {"chat", "prompt-completion", "alpaca", "sharegpt", "preference", "llmc", "nanogpt", "megatron"}));
  command->add_option("-o,--output", flags->output, "File to write; '-' is stdout")->required();
  command
      ->add_option("--reasoning", flags->reasoning,
                   "The teacher's reasoning: 'separate' (a field of its own), 'inline' (<think>…</think> before the "
                   "answer) or 'drop'")
      ->capture_default_str()
      ->check(CLI::IsMember({"separate", "inline", "drop"}));
  command->add_flag("--plain", flags->plain,
                    "prompt-completion: two texts instead of messages; only prompts of one user message");
  command->add_flag("--bare", flags->bare, "Without the field 'retort' that leads back to the response and its terms");
  command->add_flag("--parquet", flags->parquet,
                    "Rows of a Parquet file instead of lines; a name that ends in .parquet says so too");
  command
      ->add_option("--compress", flags->compress,
                   "Lines as 'gzip' or 'zstd', or 'none'; 'auto' goes by the ending of the name: .gz, .zst; within "
                   "Parquet it is zstd")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "none", "gzip", "zstd"}));
  command->add_option("--tokenizer", flags->tokenizer,
                      "Token shards: whose tokens; a model's folder, a tokenizer.json or a GGUF file");
  command->add_option("--chat-template", flags->chat_template,
                      "Token shards: a file of Jinja instead of the tokenizer's own template");
  command
      ->add_option("--shard-tokens", flags->shard_tokens,
                   "Token shards: several files NAME_000000.bin …, of at most so many tokens each")
      ->check(positive_number());
  add_view_options(*command, flags->view, flags->split);
  command->add_option("--max-pairs", flags->pairs_max, "At most so many, in the order in which they were obtained")
      ->check(positive_number());
  command->add_option("--manifest", flags->manifest, "Where the manifest goes (default: FILE.manifest.json)");
  command->add_option("--permission", flags->permissions,
                      "Why responses may be used whose terms are unknown or forbid training: who, when, where it is "
                      "written");
  command->add_option("--explain", flags->explanations, "Why answers name another maker than their teacher's profile");
  command->footer(
      "Example:\n  retort export -c corpus.db -o pairs.jsonl\n"
      "  retort export -c corpus.db -o pairs.parquet\n"
      "  retort export -c corpus.db -f prompt-completion --plain -o - | head -1\n"
      "  retort export -c corpus.db -f llmc --tokenizer SmolLM2-135M-Instruct -o train.bin");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_export(edges, *flags); }; });
}

}  // namespace retort
