// The examination behind `retort fsck`: reads everything in short steps and says in sentences what is wrong.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/corpus/care.h"
#include "storage/connection.h"

namespace retort {

/// One use. The connection must be for reading.
class Examination {
 public:
  /// `whole_file`: nobody is harvesting, so one long step over all pages disturbs nobody.
  Examination(Connection& connection, const IdentityDigests& digests, const std::function<void(const Finding&)>& tell,
              bool whole_file)
      : connection_(connection), digests_(digests), tell_(tell), whole_file_(whole_file) {}

  Result<Checkup> run();

 private:
  /// Rows that share a fault: counted, and the first named.
  struct Tally {
    std::int64_t count = 0;
    std::string first;
    void add(std::int64_t id);
  };
  using Step = std::function<Result<void>(RowId after, RowId last)>;

  Result<void> check_pages();
  Result<void> check_references();
  Result<void> check_rules();
  Result<void> check_open_attempts();
  Result<void> check_identities();
  Result<void> check_texts();
  Result<void> check_bodies();
  Result<void> check_logprobs();
  Result<void> count_rows();

  /// Calls `step` for the rows of a table, some thousands at a time, with nothing held open in between. `bounds` gives
  /// the last id of the next rows after a given one.
  Result<void> in_steps(const char* bounds, const Step& step);
  /// One check, unless the damage itself ends it: then that is the finding.
  Result<void> attempt(const char* name, Result<void> (Examination::*check)());
  void found(const char* check, bool damage, std::string line);
  /// One finding for all rows of a tally, if there are any: "17 requests (ids 1, 2, 3, …) …".
  void found(const char* check, const Tally& tally, const std::string& what, const std::string& meaning);

  Connection& connection_;
  const IdentityDigests& digests_;
  const std::function<void(const Finding&)>& tell_;
  const bool whole_file_;
  Checkup result_;
};

}  // namespace retort
