// From the host's pairs to rows of tokens: the tokenizer is learned in a first pass, rows are made in a second.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/base/result.h"
#include "core/student/module.h"
#include "core/student/rows.h"
#include "core/student/student_chat.h"
#include "core/student/train_settings.h"

namespace retort {

struct TrainData {
  Rows train, validation;
  std::int64_t truncated = 0;                   ///< rows of which the end was cut off
  std::map<std::string, std::int64_t> dropped;  ///< why → how many pairs
};

/// Learns the BPE from the pairs that are not held back. `host_failed` is set if the host could not read them.
Result<StudentChat> learn_tokenizer(const TrainSettings& settings, const retort_host& host, bool& host_failed);

/// Pairs without anything to learn, longer than `context` tokens (unless they are to be truncated), or that the
/// template does not know are dropped and counted. Errc::usage if nothing is left.
Result<TrainData> load_rows(const TrainSettings& settings, std::int64_t context, const StudentChat& chat,
                            const retort_host& host, bool& host_failed);

}  // namespace retort
