#include "cli/train_plan.h"

#include <unistd.h>

#include <cstdio>
#include <sstream>

#include "cli/command.h"
#include "cli/terminal.h"

namespace retort {
namespace {

double number(const Json& plan, const char* key) {
  const Json value = plan.value(key, Json());
  return value.is_number() ? value.get<double>() : 0;
}

std::string count(const Json& plan, const char* key) { return with_commas(json_count(plan, key).value_or(0)); }

std::string short_number(double value, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof text, value < 10 ? "%.1f %s" : "%.0f %s", value, unit);
  return text;
}

std::string as_time(double seconds) {
  if (seconds < 120) return short_number(seconds, "s");
  return seconds < 7200 ? short_number(seconds / 60, "min") : short_number(seconds / 3600, "h");
}

std::string as_memory(double bytes) {
  return bytes < 1e9 ? short_number(bytes / 1e6, "MB") : short_number(bytes / 1e9, "GB");
}

// Line by line, so that a row looks as the model sees it and no control character reaches the terminal.
void print_indented(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) print_line("  " + visible_line(line));
}

void print_rows(const Json& rows) {
  for (const Json& row : rows) {
    print_line("");
    print_line("response " + count(row, "response") + " as the student sees it (" + count(row, "tokens") +
               " tokens; the " + count(row, "learned_tokens") + " between [[ and ]] are learned):");
    print_indented(json_text(row, "given") + "[[" + json_text(row, "learned") + "]]");
  }
}

}  // namespace

void print_train_plan(const Json& plan, bool json) {
  if (json) return print_line(visible_json(dump_json(plan)));
  print_line(count(plan, "pairs") + " pairs to learn, " + count(plan, "tokens") + " tokens, " +
             count(plan, "learned_tokens") + " of them learned; " + count(plan, "validation_pairs") + " held back");
  if (number(plan, "truncated") > 0) print_line(count(plan, "truncated") + " rows cut at the end of the context");
  for (const auto& [why, pairs] : json_child(plan, "dropped").items())
    print_line("left out: " + pairs.dump() + " pairs: " + visible_line(why));
  print_line(count(plan, "parameters") + " parameters, " + count(plan, "learned_parameters") +
             " of them learned; vocabulary " + count(plan, "vocabulary"));
  char epochs[32];
  std::snprintf(epochs, sizeof epochs, "%.2f", number(plan, "epochs"));
  print_line(count(plan, "steps") + " steps, each pair seen " + epochs + " times");
  std::string memory = "memory: " + as_memory(number(plan, "state_bytes")) + " for weights, gradients and moments";
  if (plan.contains("memory_bytes"))
    memory += "; " + as_memory(number(plan, "memory_bytes")) + " at most in these steps";
  print_line(memory);
  if (plan.contains("seconds"))
    print_line("time: " + as_time(number(plan, "seconds")) + " on " + json_text(plan, "device") + " at " +
               with_commas(static_cast<std::int64_t>(number(plan, "tokens_per_second"))) +
               " tokens/s, as two steps took here");
  print_rows(json_child(plan, "rows"));
}

}  // namespace retort
