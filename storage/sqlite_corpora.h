// Corpora as SQLite files: the one implementation of the ports in core/corpus/corpus.h that outlives the process.
#pragma once

#include "core/base/clock.h"
#include "core/corpus/corpus.h"

namespace retort {

/// The clock must outlive this and everything opened by it; it is read from the writers' threads too.
class SqliteCorpora final : public CorpusOpener {
 public:
  explicit SqliteCorpora(const Clock& clock) : clock_(clock) {}

  Result<HarvestSession> harvest(const std::string& path, const TeacherIdentity& teacher, const Terms& terms,
                                 const RunStart& run, std::function<void()> wake) override;
  Result<std::unique_ptr<CorpusReader>> read(const std::string& path) override;
  Result<void> record(const std::string& path, const RunStart& run, const RunEnd& end,
                      const std::vector<Permission>& permissions) override;
  Result<std::unique_ptr<CurationLog>> curate(const std::string& path, const RunStart& run) override;
  Result<std::int64_t> amend_terms(const std::string& path, const std::string& teacher, const Terms& terms,
                                   const std::string& statement, const RunStart& run) override;
  Result<Checkup> check(const std::string& path, const IdentityDigests& digests,
                        const std::function<void(const Finding&)>& tell) override;
  Result<std::int64_t> snapshot(const std::string& path, const std::string& copy,
                                const std::function<bool()>& stopped) override;
  Result<std::vector<ForgottenPrompt>> forget(const std::string& path, const ToForget& what, const RunStart& run,
                                              bool dry_run) override;
  Result<Redecoding> decode(const std::string& path, const Decode& decode, const RunStart& run, bool dry_run,
                            const std::function<void(const Redecoded&)>& tell,
                            const std::function<bool()>& stopped) override;

 private:
  const Clock& clock_;
};

}  // namespace retort
