#include "cli/sampling.h"
#include "cli/options.h"

namespace retort {
namespace {

// name=value; the value is JSON if it reads as JSON, else text.
Result<void> apply_set(const std::string& word, TeacherProfile& profile) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos || equals == 0)
    return fail(Errc::usage, "--set wants name=value, not '" + word + "'");
  const std::string name = word.substr(0, equals);
  const Result<Json> value = parse_json(word.substr(equals + 1));
  if (name == "model" || name == "messages" || name == "stream" || name == "n") {
    return fail(Errc::usage, "--set " + name + ": this is not a sampling parameter (for n, use -n; for a stream, set " +
                                 "stream = true in the teacher's profile)");
  }
  if (name == "max_tokens" || name == "max_completion_tokens") {
    if (!value || !value->is_number_integer() || *value < 1)
      return fail(Errc::usage, "--set " + name + " wants a whole number above 0");
    profile.max_tokens = value->get<std::int64_t>();
    if (name == "max_completion_tokens") profile.settings.max_tokens_name = name;
  } else {
    profile.parameters[name] = value ? *value : Json(word.substr(equals + 1));
  }
  return {};
}

}  // namespace

void add_sampling_options(CLI::App& command, SamplingFlags& flags) {
  command.add_option("--max-tokens", flags.max_tokens, "Longest answer, in tokens")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{100'000'000}));
  command.add_option("--temperature", flags.temperature, "0 for the likeliest answer")->check(number_from_zero());
  command.add_option("--top-p", flags.top_p, "Sample from the likeliest tokens of this much probability")
      ->check(number_between(0, 1));
  command.add_option("--top-k", flags.top_k, "Sample from so many of the likeliest tokens");
  command.add_option("--min-p", flags.min_p, "Leave out tokens below this share of the likeliest one's probability")
      ->check(number_between(0, 1));
  command.add_option("--seed", flags.seed, "Seed of the first sample; sample i sends seed + i");
  command.add_option("--stop", flags.stop, "End the answer before this text (repeatable)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_flag("--logprobs", flags.logprobs, "Keep the log probability of each token");
  command.add_option("--top-logprobs", flags.top_logprobs, "Keep also so many alternatives for each token")
      ->check(CLI::Range(1, 1000));
  command.add_option("--reasoning-effort", flags.reasoning_effort, "How much to think: low, medium, high, …");
  command.add_option("--reasoning-budget", flags.reasoning_budget, "Tokens to think at most")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{100'000'000}));
  command.add_option("--set", flags.set, "Any other parameter, NAME=VALUE, sent as it is (repeatable)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

Result<void> apply_sampling(const SamplingFlags& flags, TeacherProfile& profile) {
  for (const std::string& word : flags.set) {
    if (auto done = apply_set(word, profile); !done) return done;
  }
  Json& parameters = profile.parameters;
  const auto put = [&](const char* name, const auto& value) {
    if (value) parameters[name] = *value;
  };
  put("temperature", flags.temperature);
  put("top_p", flags.top_p);
  put("top_k", flags.top_k);
  put("min_p", flags.min_p);
  put("seed", flags.seed);
  put("reasoning_budget", flags.reasoning_budget);
  put("top_logprobs", flags.top_logprobs);
  if (flags.logprobs || flags.top_logprobs) parameters["logprobs"] = true;
  if (!flags.stop.empty()) parameters["stop"] = flags.stop;
  if (!flags.reasoning_effort.empty()) parameters["reasoning_effort"] = flags.reasoning_effort;
  if (flags.max_tokens) profile.max_tokens = flags.max_tokens;
  return {};
}

}  // namespace retort
