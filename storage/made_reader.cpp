// Reading what a further harvest needs, and where prompts came from: wants, answers by identity, and the makers of
// prompts.
#include <algorithm>

#include "core/corpus/words.h"
#include "storage/reader.h"
#include "storage/values.h"

namespace retort {
namespace {

Result<PromptRow> row_of(const Rows& row, int first, const std::string& path) {
  PromptRow prompt;
  auto messages = parse_json(row.text(first));
  if (!messages) return fail(Errc::corpus, path + ": a prompt's messages are no JSON: was the corpus changed by hand?");
  prompt.messages = std::move(*messages);
  prompt.reference = row.text(first + 1);
  if (!row.is_null(first + 2)) {
    auto metadata = parse_json(row.text(first + 2));
    if (!metadata)
      return fail(Errc::corpus, path + ": a prompt's metadata is no JSON: was the corpus changed by hand?");
    prompt.metadata = std::move(*metadata);
  }
  prompt.source = row.text(first + 3);
  prompt.row = row.integer(first + 4);
  return prompt;
}

}  // namespace

Result<std::vector<WantedPrompt>> SqliteReader::wanted_after(const Want* last, std::size_t limit) {
  std::vector<WantedPrompt> wanted;
  {
    // A want of what is forgotten went with it.
    Rows rows = connection_->query(
        "SELECT want.prompt_id, want.samples, want.priority, want.reason, prompt.messages, "
        "coalesce(s.reference, ''), s.metadata, coalesce(s.source, ''), coalesce(s.\"row\", 0) "
        "FROM want JOIN prompt ON prompt.id = want.prompt_id "
        "LEFT JOIN source_row s ON s.id = (SELECT id FROM source_row WHERE prompt_id = prompt.id "
        "  ORDER BY run_id DESC, id DESC LIMIT 1) "
        "WHERE ?1 OR (want.priority, want.prompt_id) < (?2, ?3) "
        "ORDER BY want.priority DESC, want.prompt_id DESC LIMIT ?4",
        last == nullptr, last ? last->priority : 0.0, last ? last->prompt : RowId{0},
        static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX)));
    while (rows.next()) {
      WantedPrompt one;
      one.want = {rows.integer(0), static_cast<int>(rows.integer(1)), rows.real(2), rows.text(3)};
      auto row = row_of(rows, 4, connection_->path());
      if (!row) return fail(row.error());
      one.row = std::move(*row);
      wanted.push_back(std::move(one));
    }
    if (auto done = rows.status(); !done) return fail(done.error());
  }
  for (WantedPrompt& one : wanted) {
    Rows rows = connection_->look_up("SELECT digest, sample FROM request WHERE prompt_id = ?", one.want.prompt);
    while (rows.next()) one.asked.push_back({rows.text(0), static_cast<int>(rows.integer(1))});
    if (auto done = rows.status(); !done) return fail(done.error());
  }
  return wanted;
}

}  // namespace retort
