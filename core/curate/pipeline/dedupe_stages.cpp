// The same again, and nearly the same again, as stages of a pipeline.
#include <numeric>

#include "core/curate/pipeline/order.h"
#include "core/curate/pipeline/stages.h"

namespace retort {
namespace {

std::vector<std::uint64_t> prompts_of(std::span<const Member> members) {
  std::vector<std::uint64_t> prompts;
  prompts.reserve(members.size());
  for (const Member& member : members) prompts.push_back(static_cast<std::uint64_t>(member.prompt));
  return prompts;
}

/// The same question, reasoning and answer again, whatever its case and spacing.
class DuplicateStage final : public SetStage {
 public:
  explicit DuplicateStage(bool within_prompt) : within_prompt_(within_prompt) {}
  std::string name() const override { return "duplicates"; }
  Json settings() const override { return {{"method", text_digest_method()}, {"within_prompt", within_prompt_}}; }
  std::string sketch(const Pair& pair) const override {
    std::string all;
    for (const Json& message : pair.messages) {
      const Json& content = message.value("content", Json());
      all += json_text(message, "role") + '\0' +
             (content.is_string() ? content.get<std::string>() : dump_json(content)) + '\0';
    }
    const TextDigest digest = text_digest(all + pair.answer.reasoning + '\0' + pair.answer.text);
    return {reinterpret_cast<const char*>(digest.data()), sizeof digest};
  }
  std::vector<SetDrop> choose(std::span<const Member> members, int) const override {
    std::vector<TextDigest> digests(members.size());
    for (std::size_t i = 0; i < members.size(); ++i)
      std::memcpy(digests[i].data(), members[i].sketch.data(), sizeof(TextDigest));
    std::vector<SetDrop> dropped;
    for (const Duplicate& one :
         exact_duplicates(digests, within_prompt_ ? prompts_of(members) : std::vector<std::uint64_t>()))
      dropped.push_back({one.dropped, "duplicate", "as response " + std::to_string(members[one.kept].response)});
    return dropped;
  }

 private:
  bool within_prompt_;
};

/// Nearly the same question, reasoning and answer again.
class NearDuplicateStage final : public SetStage {
 public:
  NearDuplicateStage(NearDuplicateSettings settings, bool within_prompt, std::string keep)
      : settings_(settings), within_prompt_(within_prompt), keep_(std::move(keep)) {}
  std::string name() const override { return "near_duplicates"; }
  Json settings() const override {
    return {{"threshold", settings_.threshold},
            {"words", settings_.shingle_words},
            {"within_prompt", within_prompt_},
            {"keep", keep_}};
  }
  std::string sketch(const Pair& pair) const override {
    return sketch_of(
        signature_of(prompt_text(pair.messages) + "\n" + pair.answer.reasoning + "\n" + pair.answer.text, settings_));
  }
  std::vector<SetDrop> choose(std::span<const Member> members, int threads) const override {
    const std::vector<std::uint32_t> order = in_order(members, keep_);
    std::vector<std::uint64_t> groups;
    for (std::size_t i = 0; within_prompt_ && i < order.size(); ++i)
      groups.push_back(static_cast<std::uint64_t>(members[order[i]].prompt));
    // A million signatures are a quarter of a gigabyte: where they lie in one row, they are read where they lie.
    std::vector<Signature> copied;
    std::span<const Signature> signatures = keep_ == "first" ? in_one_row(members) : std::span<const Signature>();
    if (signatures.size() != members.size()) {
      copied.reserve(members.size());
      for (const std::uint32_t position : order) copied.push_back(signature_in(members[position].sketch));
      signatures = copied;
    }
    std::vector<SetDrop> dropped;
    for (const Duplicate& one : near_duplicates(signatures, settings_, threads, groups)) {
      dropped.push_back({order[one.dropped], "nearly the same",
                         "as response " + std::to_string(members[order[one.kept]].response) + ", Jaccard about " +
                             std::to_string(one.jaccard).substr(0, 4)});
    }
    return dropped;
  }

 private:
  static std::span<const Signature> in_one_row(std::span<const Member> members) {
    if (members.empty()) return {};
    const char* first = members.front().sketch.data();
    if (reinterpret_cast<std::uintptr_t>(first) % alignof(Signature) != 0) return {};
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (members[i].sketch.data() != first + i * sizeof(Signature)) return {};
    }
    return {reinterpret_cast<const Signature*>(first), members.size()};
  }

  NearDuplicateSettings settings_;
  bool within_prompt_;
  std::string keep_;
};

Result<Pipeline::Stage> set_stage(std::unique_ptr<SetStage> stage) { return Pipeline::Stage(std::move(stage)); }

}  // namespace

std::vector<StageInfo> dedupe_stage_catalogue() {
  return {{"duplicates", "drops what was said before, whatever its case and spacing (within_prompt)"},
          {"near_duplicates",
           "drops what is nearly the same as something kept (threshold, within_prompt, keep = \"first\", "
           "\"shortest\", \"longest\")"}};
}

MadeStage make_dedupe_stage(const std::string& name, StageOptions& options, const GraderTools&) {
  if (name != "duplicates" && name != "near_duplicates") return {};
  const bool within = options.flag("within_prompt", false);
  if (name == "duplicates") return set_stage(std::make_unique<DuplicateStage>(within));
  NearDuplicateSettings settings;
  settings.threshold = options.number("threshold", settings.threshold);
  const std::string keep = options.text("keep", "first");
  if (!(settings.threshold >= 0.3 && settings.threshold <= 1))
    return Result<Pipeline::Stage>(fail(Errc::usage, "'threshold' is from 0.3 to 1"));
  if (keep != "first" && keep != "shortest" && keep != "longest")
    return Result<Pipeline::Stage>(fail(Errc::usage, "'keep' is \"first\", \"shortest\" or \"longest\""));
  return set_stage(std::make_unique<NearDuplicateStage>(settings, within, keep));
}

}  // namespace retort
