#include "core/process/shell_program.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/base/text.h"
#include "core/process/child.h"

namespace retort {
namespace {

constexpr int kTickMs = 100;
constexpr std::size_t kReplyBytesMax = 1 << 20;
constexpr std::size_t kLastWords = 2000;
constexpr Duration kFarewell = std::chrono::seconds(1);  // between the end of its input and being killed

class ShellProgram final : public LineProgram {
 public:
  ShellProgram(Child child, const Clock& clock, std::function<bool()> should_stop)
      : child_(std::move(child)), clock_(clock), should_stop_(std::move(should_stop)) {}

  // What it still has to say on closing is not waited for longer than a second.
  ~ShellProgram() override {
    child_.in().close();
    const Instant patience = clock_.now() + kFarewell;
    while (!child_.reap() && clock_.now() < patience) {
      hear();
      read_replies();
      poll(nullptr, 0, 5);
    }
    child_.kill();
  }

  Result<std::vector<std::string>> exchange(const std::vector<std::string>& lines, Duration timeout) override {
    if (!broken_.empty()) return fail(Errc::usage, broken_);
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    std::vector<std::string> replies;
    std::size_t sent = 0;
    Instant late = clock_.now() + timeout;
    while (replies.size() < lines.size()) {
      if (should_stop_ && should_stop_())
        return fail(Errc::interrupted, "stopped while the grader's command was asked");
      wait(sent < out.size());
      hear();
      sent += send(std::string_view(out).substr(sent));
      const bool more = read_replies();
      bool any = false;
      for (std::size_t end = unread_.find('\n'); end != std::string::npos && replies.size() < lines.size();
           end = unread_.find('\n')) {
        replies.push_back(unread_.substr(0, end));
        unread_.erase(0, end + 1);
        any = true;
      }
      if (any) late = clock_.now() + timeout;
      if (replies.size() == lines.size()) break;
      if (unread_.size() >= kReplyBytesMax) return give_up("wrote a line of more than 1 MiB");
      if (!more) return give_up(ending());
      if (clock_.now() > late) {
        child_.kill();
        return give_up("was killed: it took longer than " + std::to_string(static_cast<int>(seconds(timeout))) +
                       " s for an answer");
      }
    }
    return replies;
  }

 private:
  Failure give_up(const std::string& how) {
    child_.kill();
    hear();
    broken_ = "the grader's command " + how;
    if (const std::string words = on_one_line(last_words_); !words.empty()) broken_ += "; its last words: " + words;
    return fail(Errc::usage, broken_);
  }

  std::string ending() {
    // Its output may end a moment before it does itself.
    for (int i = 0; i < 200 && !child_.reap(); ++i) poll(nullptr, 0, 5);
    if (!child_.reap()) return "closed its output";
    const int status = child_.status();
    if (WIFSIGNALED(status)) return "died of signal " + std::to_string(WTERMSIG(status));
    return "ended with exit code " + std::to_string(WEXITSTATUS(status)) + " before it answered";
  }

  void wait(bool sending) {
    pollfd polled[3];
    nfds_t count = 0;
    if (child_.out().open()) polled[count++] = {child_.out().number(), POLLIN, 0};
    if (child_.err().open()) polled[count++] = {child_.err().number(), POLLIN, 0};
    if (sending && child_.in().open()) polled[count++] = {child_.in().number(), POLLOUT, 0};
    poll(polled, count, kTickMs);
  }

  std::size_t send(std::string_view text) {
    if (text.empty() || !child_.in().open()) return 0;
    const ssize_t written = write_without_signal(child_.in(), text);
    if (written >= 0) return static_cast<std::size_t>(written);
    if (errno != EAGAIN && errno != EINTR) child_.in().close();  // it no longer listens; it may still answer
    return 0;
  }

  // What it says on stderr; the end of it is kept.
  void hear() {
    bool over = true;
    while (over && child_.err().open()) {
      over = false;
      std::string said;
      if (!drain(child_.err(), said, kLastWords, &over)) child_.err().close();
      last_words_ += said;
      if (last_words_.size() > kLastWords) last_words_.erase(0, last_words_.size() - kLastWords);
    }
  }

  bool read_replies() {
    bool over = false;
    return child_.out().open() && drain(child_.out(), unread_, kReplyBytesMax, &over);
  }

  Child child_;
  const Clock& clock_;
  std::function<bool()> should_stop_;
  std::string unread_, last_words_, broken_;
};

}  // namespace

StartLineProgram shell_programs(const Clock& clock, std::function<bool()> should_stop) {
  return [&clock,
          should_stop = std::move(should_stop)](const std::string& command) -> Result<std::unique_ptr<LineProgram>> {
    ChildSetup setup;
    setup.command = {"/bin/sh", "-c", command};
    auto child = Child::start(setup);
    if (!child) return fail(child.error());
    return std::unique_ptr<LineProgram>(std::make_unique<ShellProgram>(std::move(*child), clock, should_stop));
  };
}

}  // namespace retort
