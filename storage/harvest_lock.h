// One harvest at a time per corpus: two would pay twice for the same questions.
#pragma once

#include <string>

#include "core/base/result.h"

namespace retort {

/// Held until destroyed, or until the process dies, however it dies. The file PATH.lock stays behind and means
/// nothing by itself.
class HarvestLock {
 public:
  /// Errc::corpus with the other's process id if another harvest holds it.
  static Result<HarvestLock> take(const std::string& corpus_path);
  /// Whether somebody holds it now.
  static bool is_held(const std::string& corpus_path);
  HarvestLock(HarvestLock&& other) noexcept;
  HarvestLock& operator=(HarvestLock&&) = delete;
  HarvestLock(const HarvestLock&) = delete;
  ~HarvestLock();

 private:
  explicit HarvestLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace retort
