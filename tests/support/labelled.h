// The labelled answers in tests/unit/audit, and how well an audit agrees with them: for the test that holds the targets
// and for the benchmark that prints the figures.
#pragma once

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/curate/audit/identity_audit.h"
#include "core/curate/audit/language.h"
#include "core/curate/audit/personal_data.h"
#include "core/curate/audit/refusal.h"

namespace retort {

struct Labelled {
  std::string language, expected, prompt, text, reasoning;

  bool held_out() const {
    const char digit = sha256_hex(text.empty() ? reasoning : text)[0];
    return ((digit >= 'a' ? digit - 'a' + 10 : digit - '0') & 1) == 1;
  }
};

inline std::vector<Labelled> labelled_examples(const std::string& folder, const std::string& name) {
  std::ifstream file(folder + "/" + name + ".jsonl");
  std::vector<Labelled> examples;
  for (std::string line; std::getline(file, line);) {
    const Result<Json> row = parse_json(line);
    if (!row) throw std::runtime_error(name + ": " + row.error().message);
    examples.push_back({json_text(*row, "language"), json_text(*row, "expected"), json_text(*row, "prompt"),
                        json_text(*row, "text"), json_text(*row, "reasoning")});
  }
  return examples;
}

struct Agreement {
  int right = 0, missed = 0, wrong = 0, silent = 0;  ///< silent: rightly nothing found

  double precision() const { return right + wrong == 0 ? 1 : static_cast<double>(right) / (right + wrong); }
  double recall() const { return right + missed == 0 ? 1 : static_cast<double>(right) / (right + missed); }
  int examples() const { return right + missed + wrong + silent; }
  void add(const std::string& expected, const std::string& found) {
    right += !expected.empty() && found == expected;
    missed += !expected.empty() && found != expected;
    wrong += !found.empty() && found != expected;
    silent += expected.empty() && found.empty();
  }
};

struct Judged {
  Labelled example;
  std::string detector, found;
};

/// Every example with what its detector says. That a refusal is partial or a deflection is not compared: the line
/// between them is a matter of taste.
inline std::vector<Judged> judged_examples(const std::string& folder) {
  std::map<std::string, std::unique_ptr<Audit>> audits;
  audits["refusal"] = std::make_unique<RefusalAudit>();
  audits["self_identification"] = std::make_unique<SelfIdentificationAudit>();
  audits["language"] = std::make_unique<LanguageAudit>();
  audits["mixed_reasoning"] = std::make_unique<LanguageAudit>();
  audits["personal_data"] = std::make_unique<PersonalDataAudit>();
  std::vector<Judged> judged;
  for (const auto& [name, audit] : audits) {
    for (Labelled& example : labelled_examples(folder, name)) {
      Answered pair;
      pair.prompt = example.prompt;
      pair.text = example.text;
      pair.reasoning = example.reasoning;
      std::string found = audit->judge(pair).value;
      if (name == "refusal") {
        if (!found.empty()) found = "declines";
        if (!example.expected.empty()) example.expected = "declines";
      }
      judged.push_back({std::move(example), name, std::move(found)});
    }
  }
  return judged;
}

}  // namespace retort
