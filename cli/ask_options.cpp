#include "cli/ask_options.h"
#include "cli/options.h"

namespace retort {

void add_ask_options(CLI::App& command, AskSettings& ask) {
  command.add_option("--max-tokens", ask.tokens_max, "Of an answer")->capture_default_str()->check(positive_number());
  command.add_option("--temperature", ask.temperature, "0 takes the likeliest token")
      ->capture_default_str()
      ->check(number_between(0, 100.0));
  command.add_option("--top-p", ask.top_p, "Only the likeliest tokens that together have this probability")
      ->capture_default_str()
      ->check(number_between(1e-9, 1.0));
  command.add_option("--top-k", ask.top_k, "Only so many of the likeliest tokens; 0: all")
      ->capture_default_str()
      ->check(number_from_zero());
  command.add_option("--min-p", ask.min_p, "Only tokens at least so likely, relative to the likeliest")
      ->capture_default_str()
      ->check(number_between(0, 1));
  command.add_option("--stop", ask.stop, "A text that ends an answer and is not part of it; may be repeated")
      ->allow_extra_args(false)
      ->check([](const std::string& text) { return text.empty() ? "must not be empty" : ""; });
  command.add_option("--seed", ask.seed, "Of the draws")->capture_default_str();
  command.add_option("--batch-size", ask.batch_size, "Prompts answered at once")
      ->capture_default_str()
      ->check(positive_number());
}

}  // namespace retort
