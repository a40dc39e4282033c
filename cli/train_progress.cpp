#include "cli/train_progress.h"

#include <cstdio>

#include "cli/command.h"
#include "cli/terminal.h"

namespace retort {
namespace {

double number(const Json& event, const char* key) {
  const Json value = event.value(key, Json());
  return value.is_number() ? value.get<double>() : 0;
}

std::int64_t count(const Json& event, const char* key) { return json_count(event, key).value_or(0); }

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string step_line(const Json& step, double tokens, std::int64_t first_step) {
  const double took = number(step, "seconds");
  const std::int64_t done = count(step, "step") - first_step, left = count(step, "steps") - count(step, "step");
  std::string line = "step " + with_commas(count(step, "step")) + "/" + with_commas(count(step, "steps")) + "  epoch " +
                     std::to_string(count(step, "epoch")) + "  loss " + fixed(number(step, "loss"), 4) + "  " +
                     fixed(took, 0) + " s";
  if (took > 0 && done > 0) {
    line += "  " + with_commas(static_cast<std::int64_t>(tokens / took)) + " tokens/s  " +
            fixed(took / static_cast<double>(done) * static_cast<double>(left), 0) + " s left";
  }
  if (const double bytes = number(step, "memory_bytes"); bytes > 0) line += "  " + fixed(bytes / 1e9, 1) + " GB";
  return line;
}

}  // namespace

void TrainProgress::show(const Json& event) {
  const std::string kind = json_text(event, "event");
  if (kind == "begin" || kind == "resumed") {
    begun_ = event;
    tell(std::string(kind == "begin" ? "training " : "going on with ") + with_commas(count(event, "parameters")) +
         " parameters on " + with_commas(count(event, "pairs")) + " pairs (" + with_commas(count(event, "tokens")) +
         " tokens, vocabulary " + with_commas(count(event, "vocabulary")) + "; " +
         with_commas(count(event, "validation_pairs")) + " pairs held back) on " + json_text(event, "device") + ", " +
         with_commas(count(event, "steps")) + " steps");
    for (const auto& [why, pairs] : json_child(event, "dropped").items())
      tell("left out: " + pairs.dump() + " pairs: " + visible_line(why));
    return;
  }
  if (kind == "validation") {
    validation_ = event;
    if (count(event, "step") == count(step_, "steps"))
      tell("validation loss " + fixed(number(event, "validation_loss"), 4));
    return;
  }
  if (kind != "step") return;
  step_ = event;
  tokens_ += number(event, "tokens");
  const Instant now = clock_.now();
  const bool last = count(event, "step") == count(event, "steps");
  if (now < next_ && !last) return;
  next_ = now + (terminal_ ? Duration(200ms) : Duration(5s));
  std::string line = step_line(event, tokens_, count(begun_, "step"));
  if (!last && validation_.contains("validation_loss"))
    line += "  validation " + fixed(number(validation_, "validation_loss"), 4);
  if (!terminal_) return say(line);
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
  line_shown_ = true;
}

void TrainProgress::tell(const std::string& line) {
  finish();
  say(line);
}

void TrainProgress::finish() {
  if (line_shown_) std::fputs("\r\033[K", stderr);
  line_shown_ = false;
}

}  // namespace retort
