// What do the answers of each teacher give away? Every audit over a corpus or a view, counted per teacher: what it
// declined, whom it names as its maker, what is cut, empty, looping or in another language. And matched pairs: does it
// decline a topic, or only the way in which it was asked?
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/corpus/corpus.h"
#include "core/curate/audit/censorship.h"
#include "core/curate/pipeline/pipeline.h"

namespace retort {

struct AuditQuestion {
  std::string view = "all";
  std::string by;             ///< a metadata field: counts for each of its values too; empty: none
  std::string neutral_field;  ///< with `by` as the topic: prompts whose field has this value were asked neutrally,
  std::string neutral_value;  ///< the others of the topic plainly; empty: no matched pairs
};

struct AuditFinding {
  std::int64_t pairs = 0;
  RowId example = 0;
  std::string reason;        ///< of the example
  bool contradicts = false;  ///< of self_identification: a maker that the profile does not allow
};

struct TeacherAudit {
  TeacherIdentity teacher;
  std::int64_t pairs = 0;
  /// By audit, in the order of AuditReport::audits, then by what was found.
  std::vector<std::map<std::string, AuditFinding>> found;
  struct Part {
    std::int64_t pairs = 0;
    std::vector<std::int64_t> found;  ///< pairs with a finding, by audit
  };
  std::map<std::string, Part> by;  ///< by value of the field; empty for prompts without it
  std::vector<TopicContrast> topics;
};

struct AuditReport {
  RowId frozen_at = 0;
  std::vector<std::string> audits;
  std::vector<TeacherAudit> teachers;
  std::int64_t judged = 0, known = 0;  ///< labels made now, and known before
};

/// Labels what is not labelled yet, then counts. Errc::usage for a view that is not there, or a field that no
/// prompt has; Errc::interrupted as run_pipeline().
Result<AuditReport> audit_corpus(CorpusReader& reader, CurationLog& log, const AuditQuestion& question,
                                 PipelineSettings settings);

Json to_json(const AuditReport& report, const AuditQuestion& question);

}  // namespace retort
