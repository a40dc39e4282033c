#include "core/batch/batch_uploader.h"

#include "core/batch/result_lines.h"

namespace retort {
namespace {

constexpr std::size_t kQuestionsAtOnce = 256;
constexpr int kCreateTries = 3;

// The provider answered, and what it said is no.
bool is_refusal(const WireTrouble& trouble) {
  return trouble.status != 0 && trouble.status != 429 && !trouble.may_have_worked;
}

}  // namespace

Result<Brought> BatchUploader::bring(BatchRecord batch) {
  if (batch.state == BatchState::creating) {
    auto found = finder_.find(batch);
    if (!found) return fail(found.error());
    if (found->is == FoundBatch::Is::there) return adopt(batch, found->view);
    if (found->is == FoundBatch::Is::in_doubt) return leave_in_doubt(batch, found->doubt);
  }
  auto lines = lines_of(batch);
  if (!lines) return fail(lines.error());
  if (lines->empty()) {
    if (auto done = log_.finish(batch.id, {AttemptOutcome::refused, "batch_empty", "", false}); !done)
      return fail(done.error());
    return Brought{Brought::How::empty, {}, {}, 0};
  }
  if (api_.takes_files() && batch.input_file.empty()) {
    if (auto done = upload(batch, *lines); !done) return fail(done.error());
  }
  return create(batch, *lines);
}

// What goes up is what is on record, always: a batch that was begun by another process is the same batch.
Result<std::string> BatchUploader::lines_of(BatchRecord& batch) {
  std::string lines;
  RowId after = 0;
  batch.open = 0;
  while (true) {
    const auto questions = log_.questions_after(batch.id, after, kQuestionsAtOnce);
    if (!questions) return fail(questions.error());
    std::vector<AttemptEnd> forgotten;
    for (const BatchQuestion& asked : *questions) {
      after = asked.attempt;
      if (asked.forgotten) {
        AttemptEnd end;
        end.attempt = asked.attempt;
        end.request = asked.request;
        end.outcome = AttemptOutcome::refused;
        end.error = "forgotten";
        for (const RowId request : asked.also) end.also.push_back({request});
        forgotten.push_back(std::move(end));
        continue;
      }
      const Question question{asked.messages, asked.parameters, asked.max_tokens, false,
                              1 + static_cast<int>(asked.also.size())};
      lines += api_.line(custom_id(batch.key, asked.attempt), teacher_.encode(question));
      ++batch.open;
    }
    if (!forgotten.empty()) {
      if (auto done = log_.end(forgotten); !done) return fail(done.error());
    }
    if (questions->size() < kQuestionsAtOnce) return lines;
  }
}

Result<void> BatchUploader::upload(BatchRecord& batch, const std::string& lines) {
  BatchChange begins;
  begins.state = BatchState::uploading;
  if (auto done = log_.change(batch.id, begins); !done) return done;
  const WireResult reply = wire_.ask(api_.upload(batch.key, lines));
  if (const auto* trouble = std::get_if<WireTrouble>(&reply)) {
    if (is_refusal(*trouble)) {
      if (auto done = turned_away(batch, *trouble); !done) return done;
    }
    return fail(trouble->error);
  }
  const auto file = api_.read_upload(std::get<WireReply>(reply).body);
  if (!file) return fail(Errc::refused, "the provider took the batch's file and named none: has it a batch API?");
  BatchChange uploaded;
  uploaded.input_file = batch.input_file = *file;
  return log_.change(batch.id, uploaded);
}

Result<Brought> BatchUploader::create(BatchRecord& batch, const std::string& lines) {
  for (int tries = 1;; ++tries) {
    BatchChange begins;
    begins.state = BatchState::creating;
    begins.creating = batch.creating = clock_.wall();
    if (auto done = log_.change(batch.id, begins); !done) return fail(done.error());
    const WireResult reply = wire_.ask_once(api_.create(batch.key, batch.input_file, lines));
    const auto* trouble = std::get_if<WireTrouble>(&reply);
    if (!trouble) {
      if (const auto view = api_.read_batch(std::get<WireReply>(reply).body)) return adopt(batch, *view);
    } else if (is_refusal(*trouble)) {
      if (auto done = turned_away(batch, *trouble); !done) return fail(done.error());
      return fail(trouble->error);
    } else if (!trouble->may_have_worked) {
      BatchChange back;
      back.state = BatchState::uploading;
      if (auto done = log_.change(batch.id, back); !done) return fail(done.error());
      return fail(trouble->error);
    }
    // It may have been created, and only the provider knows.
    auto found = finder_.find(batch);
    if (!found) return fail(found.error());
    if (found->is == FoundBatch::Is::there) return adopt(batch, found->view);
    if (found->is == FoundBatch::Is::in_doubt) return leave_in_doubt(batch, found->doubt);
    if (tries >= kCreateTries) {
      return fail(trouble ? trouble->error
                          : Error{Errc::refused, "the provider's reply names no batch: has it a batch API?"});
    }
  }
}

Result<Brought> BatchUploader::adopt(const BatchRecord& batch, const BatchView& view) {
  BatchChange submitted;
  submitted.state = BatchState::submitted;
  submitted.provider_id = view.id;
  submitted.provider_status = view.status;
  submitted.expires = view.expires;
  submitted.error = std::string();
  if (auto done = log_.change(batch.id, submitted); !done) return fail(done.error());
  return Brought{Brought::How::submitted, view.id, {}, batch.open};
}

Result<Brought> BatchUploader::leave_in_doubt(const BatchRecord& batch, const std::string& why) {
  BatchChange doubt;
  doubt.error = why;
  if (auto done = log_.change(batch.id, doubt); !done) return fail(done.error());
  return Brought{Brought::How::in_doubt, {}, why, batch.open};
}

// Nothing of it was taken: its requests are pending again, and may be harvested one by one.
Result<void> BatchUploader::turned_away(const BatchRecord& batch, const WireTrouble& trouble) {
  BatchChange why;
  why.error = trouble.error.message;
  if (auto done = log_.change(batch.id, why); !done) return done;
  const auto freed = log_.finish(batch.id, {AttemptOutcome::refused, "batch_refused", trouble.error.message, false});
  return freed ? Result<void>() : fail(freed.error());
}

}  // namespace retort
