// `retort prompts`: makes prompt files, so that there is something to harvest on a fresh machine.
#include <cerrno>
#include <cstring>
#include <fstream>

#include "cli/command.h"
#include "cli/prompt_makers.h"
#include "core/serve/arithmetic_prompts.h"

namespace retort {
namespace {

struct PromptsFlags {
  std::size_t count = 1000;
  std::uint64_t seed = 0;
  std::string split = "train";
  std::vector<std::string> families;
  std::string output = "-";
};

Result<int> make_prompts(const PromptsFlags& flags) {
  ArithmeticPromptOptions options{.count = flags.count, .seed = flags.seed};
  options.split = flags.split == "held-out" ? PromptSplit::held_out : PromptSplit::train;
  if (!flags.families.empty()) options.families.clear();
  for (const std::string& name : flags.families) {
    if (const auto family = family_named(name)) options.families.push_back(*family);
  }
  const std::vector<ArithmeticPrompt> prompts = make_arithmetic_prompts(options);
  if (flags.output == "-") {
    for (const ArithmeticPrompt& prompt : prompts) print_line(dump_json(prompt_row(prompt)));
    return 0;
  }
  std::ofstream file(flags.output, std::ios::binary | std::ios::trunc);
  if (!file) return fail(Errc::usage, "cannot write " + flags.output + ": " + std::strerror(errno));
  for (const ArithmeticPrompt& prompt : prompts) file << dump_json(prompt_row(prompt)) << '\n';
  file.close();
  if (!file) return fail(Errc::disk, "cannot write all of " + flags.output + ": is the disk full?");
  say(std::to_string(prompts.size()) + " prompts written to " + flags.output);
  return 0;
}

}  // namespace

void add_prompts(CLI::App& app, Action& action) {
  auto flags = std::make_shared<PromptsFlags>();
  CLI::App* command = app.add_subcommand("prompts", "Make prompts, by rule or with a teacher, as JSON lines");
  command->require_subcommand(1);
  command->footer("Example:\n  retort prompts arithmetic --count 5000 -o prompts.jsonl");
  CLI::App* arithmetic = command->add_subcommand(
      "arithmetic",
      "Problems for the embedded teacher. No number of a held-out problem occurs in any training problem");
  arithmetic->add_option("--count", flags->count, "How many")->capture_default_str()->check(CLI::Range(1, 10'000'000));
  arithmetic->add_option("--seed", flags->seed, "The same seed makes the same file")->capture_default_str();
  arithmetic->add_option("--split", flags->split, "Which numbers: 'train' or 'held-out'")
      ->capture_default_str()
      ->check(CLI::IsMember({"train", "held-out"}));
  arithmetic
      ->add_option("--family", flags->families,
                   "Only these, comma-separated (default: all): sum, difference, comparison, story")
      ->delimiter(',')
      ->check(CLI::IsMember({"sum", "difference", "comparison", "story"}));
  arithmetic->add_option("-o,--output", flags->output, "File to write; '-' is stdout")->capture_default_str();
  arithmetic->footer(
      "Example:\n  retort prompts arithmetic --count 5000 -o prompts.jsonl\n"
      "  retort prompts arithmetic --split held-out --count 500 -o held-out.jsonl");
  arithmetic->callback([&action, flags] { action = [flags](Edges&) { return make_prompts(*flags); }; });
  add_prompt_makers(*command, action);
}

}  // namespace retort
