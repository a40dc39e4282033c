#include "core/student/train_data.h"

#include <exception>
#include <functional>

#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/text/bpe_trainer.h"

namespace retort {
namespace {

std::string_view view(retort_text text) { return {text.data, text.size}; }

struct PairIn {
  std::int64_t id = 0;
  Json messages;
  Completion completion;
  bool held_back = false;
};

struct Sink {
  const TrainSettings& settings;
  const retort_host& host;
  const std::function<void(PairIn)>& take;
  bool stopped = false;
  std::exception_ptr thrown;  // nothing may fly through the host
};

int take_pair(void* context, const retort_pair* raw) {
  auto& sink = *static_cast<Sink*>(context);
  try {
    if (sink.host.should_stop(sink.host.context) != 0) {
      sink.stopped = true;
      return 1;
    }
    PairIn pair;
    pair.id = raw->id;
    auto messages = parse_json(view(raw->messages));
    if (messages) pair.messages = std::move(*messages);
    pair.completion = {to_valid_utf8(view(raw->reasoning)), to_valid_utf8(view(raw->answer))};
    pair.held_back = is_held_back(sha256_hex(canonical_json(pair.messages)), sink.settings.validation_fraction);
    sink.take(std::move(pair));
    return 0;
  } catch (...) {
    sink.thrown = std::current_exception();
    return 1;
  }
}

Result<void> each_pair(const TrainSettings& settings, const retort_host& host, bool& host_failed,
                       const std::function<void(PairIn)>& take) {
  Sink sink{settings, host, take, false, nullptr};
  const int read = host.read_pairs(host.context, take_pair, &sink);
  if (sink.thrown) std::rethrow_exception(sink.thrown);
  if (sink.stopped) return fail(Errc::interrupted, "interrupted before the first step");
  if (read != 0) {
    host_failed = true;
    return fail(Errc::internal, "reading pairs failed");
  }
  return {};
}

}  // namespace

Result<StudentChat> learn_tokenizer(const TrainSettings& settings, const retort_host& host, bool& host_failed) {
  BpeTrainer trainer;
  auto read = each_pair(settings, host, host_failed, [&](const PairIn& pair) {
    if (pair.held_back) return;
    const auto chat = render_pair(pair.messages, pair.completion);
    if (!chat) return;  // counted when rows are made
    for (const RenderedChat::Part& part : chat->parts) {
      if (!part.mark) trainer.add(part.text);
    }
  });
  if (!read) return fail(read.error());
  auto tokenizer = trainer.train({static_cast<int>(settings.vocabulary), 2, chat_marks()});
  if (!tokenizer) return fail(tokenizer.error());
  auto chat = ChatTokenizer::create(std::move(*tokenizer));
  if (!chat) return fail(chat.error());
  return StudentChat::own(std::move(*chat));
}

Result<TrainData> load_rows(const TrainSettings& settings, std::int64_t context, const StudentChat& chat,
                            const retort_host& host, bool& host_failed) {
  TrainData data;
  auto read = each_pair(settings, host, host_failed, [&](const PairIn& pair) {
    if (trimmed(pair.completion.text).empty() && trimmed(pair.completion.reasoning).empty()) {
      ++data.dropped["nothing to learn: the answer is empty"];
      return;
    }
    auto row = chat.row(pair.messages, pair.completion);
    if (!row) {
      ++data.dropped[row.error().message];
      return;
    }
    if (static_cast<std::int64_t>(row->ids.size()) > context) {
      if (settings.truncate && static_cast<std::int64_t>(row->learned_from) < context) {
        row->ids.resize(static_cast<std::size_t>(context));
        ++data.truncated;
        (pair.held_back ? data.validation : data.train).add(pair.id, *row);
        return;
      }
      ++data.dropped["longer than the context of " + std::to_string(context) + " tokens"];
      return;
    }
    (pair.held_back ? data.validation : data.train).add(pair.id, *row);
  });
  if (!read) return fail(read.error());
  if (data.train.size() == 0) {
    std::string why;
    for (const auto& [reason, count] : data.dropped) why += "; " + std::to_string(count) + " dropped: " + reason;
    return fail(Errc::usage, "there is no pair to train on" + why);
  }
  return data;
}

}  // namespace retort
