#include "core/curate/pipeline/audit_report.h"

#include <algorithm>

#include "core/curate/pipeline/stages.h"
#include "core/curate/vendors.h"

namespace retort {
namespace {

constexpr const char* kIdentity = "self_identification";
constexpr const char* kRefusal = "refusal";

// As the gate has it: where the profile suggests no maker, any that is named contradicts it.
bool contradicts(const std::vector<std::string>& expected, const std::string& named) {
  for (std::size_t begin = 0; begin < named.size();) {
    const std::size_t end = std::min(named.find(", ", begin), named.size());
    if (std::find(expected.begin(), expected.end(), named.substr(begin, end - begin)) == expected.end()) return true;
    begin = end + 2;
  }
  return false;
}

class Counter {
 public:
  Counter(AuditReport& report, const AuditQuestion& question) : report_(report), question_(question) {}

  void add(std::size_t audit, const LabelCount& count) {
    TeacherAudit& teacher = teacher_of(count.teacher);
    TeacherAudit::Part* part = question_.by.empty() ? nullptr : &teacher.by[count.values[0]];
    if (part != nullptr) part->found.resize(report_.audits.size());
    if (audit == 0) {
      teacher.pairs += count.pairs;
      if (part != nullptr) part->pairs += count.pairs;
    }
    if (report_.audits[audit] == kRefusal && !question_.neutral_field.empty() && !count.values[0].empty())
      add_topic(teacher, count);
    if (count.label.empty()) return;
    if (part != nullptr) part->found[audit] += count.pairs;
    AuditFinding& finding = teacher.found[audit][count.label];
    if (finding.pairs == 0 || count.example < finding.example) {
      finding.example = count.example;
      finding.reason = count.reason;
    }
    finding.pairs += count.pairs;
    if (report_.audits[audit] == kIdentity) finding.contradicts = contradicts(vendors_of(count.teacher), count.label);
  }

  void contrast() {
    for (TeacherAudit& teacher : report_.teachers) {
      std::vector<TopicCounts> topics;
      for (const auto& [name, counts] : topics_[&teacher - report_.teachers.data()]) topics.push_back(counts);
      teacher.topics = contrast_topics(topics);
    }
  }

 private:
  TeacherAudit& teacher_of(const TeacherIdentity& identity) {
    for (TeacherAudit& known : report_.teachers) {
      if (known.teacher == identity) return known;
    }
    report_.teachers.push_back({identity, 0, {}, {}, {}});
    report_.teachers.back().found.resize(report_.audits.size());
    return report_.teachers.back();
  }

  void add_topic(TeacherAudit& teacher, const LabelCount& count) {
    TopicCounts& topic = topics_[&teacher - report_.teachers.data()][count.values[0]];
    topic.topic = count.values[0];
    const bool neutral = count.values[1] == question_.neutral_value;
    (neutral ? topic.neutral_total : topic.plain_total) += count.pairs;
    if (!count.label.empty()) (neutral ? topic.neutral_refused : topic.plain_refused) += count.pairs;
  }

  AuditReport& report_;
  const AuditQuestion& question_;
  std::map<std::ptrdiff_t, std::map<std::string, TopicCounts>> topics_;  ///< by teacher, by topic
};

// A field that no prompt has is a misspelt one.
Result<void> check_fields(const AuditReport& report, const AuditQuestion& question) {
  bool any_value = question.by.empty(), any_neutral = question.neutral_field.empty();
  for (const TeacherAudit& teacher : report.teachers) {
    for (const auto& [value, part] : teacher.by) any_value = any_value || !value.empty();
    for (const TopicContrast& topic : teacher.topics) any_neutral = any_neutral || topic.counts.neutral_total > 0;
  }
  if (report.teachers.empty()) return {};
  if (!any_value) return fail(Errc::usage, "no prompt has a metadata field '" + question.by + "'");
  if (any_neutral) return {};
  return fail(Errc::usage, "no prompt with a '" + question.by + "' has '" + question.neutral_field + "' = '" +
                               question.neutral_value + "' in its metadata");
}

Json to_json(const TopicContrast& topic) {
  return {{"topic", topic.counts.topic},
          {"plain", {{"answers", topic.counts.plain_total}, {"declined", topic.counts.plain_refused}}},
          {"neutral", {{"answers", topic.counts.neutral_total}, {"declined", topic.counts.neutral_refused}}},
          {"difference", topic.difference},
          {"interval", {topic.interval.low, topic.interval.high}},
          {"differs", topic.differs}};
}

Json to_json(const TeacherAudit& teacher, const AuditReport& report, const AuditQuestion& question) {
  Json audits = Json::object();
  for (std::size_t i = 0; i < report.audits.size(); ++i) {
    Json values = Json::object();
    std::int64_t found = 0, contradicting = 0;
    for (const auto& [value, finding] : teacher.found[i]) {
      values[value] = {{"pairs", finding.pairs}, {"example", finding.example}, {"reason", finding.reason}};
      found += finding.pairs;
      if (finding.contradicts) contradicting += finding.pairs;
    }
    audits[report.audits[i]] = {{"found", found}, {"values", values}};
    if (report.audits[i] == kIdentity) audits[kIdentity]["contradicting"] = contradicting;
  }
  Json json = {{"teacher", teacher.teacher.name},
               {"model", teacher.teacher.model},
               {"vendors", vendors_of(teacher.teacher)},
               {"answers", teacher.pairs},
               {"audits", audits}};
  if (!question.by.empty()) {
    Json parts = Json::array();
    for (const auto& [value, part] : teacher.by) {
      Json found = Json::object();
      for (std::size_t i = 0; i < report.audits.size(); ++i) found[report.audits[i]] = part.found[i];
      parts.push_back({{"value", value}, {"answers", part.pairs}, {"found", found}});
    }
    json["by"] = {{"field", question.by}, {"values", parts}};
  }
  if (!question.neutral_field.empty()) {
    json["topics"] = Json::array();
    for (const TopicContrast& topic : teacher.topics) json["topics"].push_back(to_json(topic));
  }
  return json;
}

}  // namespace

Result<AuditReport> audit_corpus(CorpusReader& reader, CurationLog& log, const AuditQuestion& question,
                                 PipelineSettings settings) {
  AuditReport report;
  LabelsWanted wanted;
  if (question.view != "all") {
    const auto view = reader.view(question.view);
    if (!view) return fail(view.error());
    if (!*view) {
      return fail(Errc::usage,
                  "no view '" + question.view + "' in this corpus: retort curate --list shows those there are");
    }
    wanted.view = (*view)->id;
  }
  Pipeline pipeline;
  std::vector<std::string> digests;
  for (auto& stage : make_looking_stages()) {
    report.audits.push_back(stage->name());
    digests.push_back(stage->digest());
    pipeline.add(std::move(stage));
  }
  const auto labelled = run_pipeline(reader, log, 0, pipeline, settings);
  if (!labelled) return fail(labelled.error());
  for (const FunnelLine& line : labelled->funnel) {
    report.judged += line.judged;
    report.known += line.known;
  }
  report.frozen_at = wanted.frozen_at = settings.frozen_at;
  wanted.fields = {question.by, question.neutral_field};
  Counter counter(report, question);
  for (std::size_t i = 0; i < digests.size(); ++i) {
    wanted.stage = digests[i];
    const auto counts = reader.label_counts(wanted);
    if (!counts) return fail(counts.error());
    for (const LabelCount& count : *counts) counter.add(i, count);
  }
  counter.contrast();
  if (auto checked = check_fields(report, question); !checked) return fail(checked.error());
  return report;
}

Json to_json(const AuditReport& report, const AuditQuestion& question) {
  Json teachers = Json::array();
  for (const TeacherAudit& teacher : report.teachers) teachers.push_back(to_json(teacher, report, question));
  return {{"view", question.view},
          {"frozen_at", report.frozen_at},
          {"teachers", teachers},
          {"labels", {{"made", report.judged}, {"known", report.known}}}};
}

}  // namespace retort
