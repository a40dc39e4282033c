#include "storage/pace_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "core/base/hash.h"

namespace retort {
namespace {

constexpr std::uint64_t kVersion = 1;

struct Contents {
  std::uint64_t magic;
  std::array<char, 40> boot;
  PaceState state;
};
constexpr std::uint64_t kMagic = 0x7265746f72740000ULL + kVersion + (sizeof(Contents) << 20);

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// When a process began, in the kernel's ticks since boot: tells it from a later one of the same number. Zero if gone.
std::int64_t started_at(std::int64_t pid) {
  const std::string stat = first_line("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = stat.rfind(')');  // the name may hold blanks
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string field;
  constexpr int kStartTime = 20;  // counted from the state, which follows the name
  for (int i = 0; i < kStartTime; ++i) fields >> field;
  return std::atoll(field.c_str());
}

bool makes_sense(const Meter& meter) {
  for (const double value : {meter.configured, meter.announced, meter.measured, meter.capacity, meter.level,
                             meter.charge, meter.taken, meter.expected, meter.charged_sum, meter.expected_sum,
                             meter.used_sum, meter.reset_sum, meter.refused_admitted}) {
    if (!std::isfinite(value)) return false;
  }
  return meter.charge > 0;
}

bool makes_sense(const PaceState& state) {
  for (const Meter& meter : state.meters) {
    if (!makes_sense(meter)) return false;
  }
  return state.hold_reason.back() == '\0';
}

class PaceFile final : public PaceBook {
 public:
  PaceFile(int descriptor, Contents* contents) : descriptor_(descriptor), contents_(contents) {}
  PaceFile(const PaceFile&) = delete;
  PaceFile& operator=(const PaceFile&) = delete;
  ~PaceFile() override {
    if (slot_ != nullptr) {
      lock();
      *slot_ = {};
      unlock();
    }
    munmap(contents_, sizeof(Contents));
    close(descriptor_);
  }

  void lock() override {
    while (flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  void unlock() override { flock(descriptor_, LOCK_UN); }
  PaceState& state() override { return contents_->state; }
  PaceSlot& own_slot() override { return *slot_; }

  void begin_anew_if_stale() {
    const std::string boot = first_line("/proc/sys/kernel/random/boot_id");
    if (contents_->magic == kMagic && std::string_view(contents_->boot.data()) == boot &&
        makes_sense(contents_->state)) {
      return;
    }
    *contents_ = {};
    contents_->magic = kMagic;
    std::strncpy(contents_->boot.data(), boot.c_str(), contents_->boot.size() - 1);
  }

  /// False if so many processes ask this teacher that there is no slot left.
  bool claim_slot() {
    for (PaceSlot& slot : contents_->state.slots) {
      if (slot.pid != 0 && started_at(slot.pid) != slot.started_at) slot = {};
    }
    for (PaceSlot& slot : contents_->state.slots) {
      if (slot.pid != 0) continue;
      slot = {getpid(), started_at(getpid()), 0};
      slot_ = &slot;
      return true;
    }
    return false;
  }

 private:
  int descriptor_;
  Contents* contents_;
  PaceSlot* slot_ = nullptr;
};

// A folder that nobody else can write: what lies in it decides how we behave towards a teacher.
bool is_ours(const std::string& folder) {
  struct stat status {};
  return lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
         (status.st_mode & 022) == 0;
}

std::string default_folder() {
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && runtime[0] == '/')
    return std::string(runtime) + "/retort";
  const char* temporary = std::getenv("TMPDIR");
  return std::string(temporary != nullptr && temporary[0] == '/' ? temporary : "/tmp") + "/retort-" +
         std::to_string(geteuid());
}

}  // namespace

Result<std::unique_ptr<PaceBook>> open_shared_pace(const std::string& key) {
  return open_shared_pace(key, default_folder());
}

Result<std::unique_ptr<PaceBook>> open_shared_pace(const std::string& key, const std::string& folder) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(Errc::disk, folder + ": cannot be made: " + std::strerror(errno));
  if (!is_ours(folder)) return fail(Errc::disk, folder + ": is not a folder of this user's alone");
  const std::string path = folder + "/pace-" + sha256_hex(key).substr(0, 24);
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return fail(Errc::disk, path + ": cannot be opened: " + std::strerror(errno));
  // Full in length before it is mapped: a hole that finds no room at the first write would be a fatal signal.
  const int room = posix_fallocate(descriptor, 0, sizeof(Contents));
  void* mapped =
      room == 0 ? mmap(nullptr, sizeof(Contents), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0) : MAP_FAILED;
  if (mapped == MAP_FAILED) {
    const std::string why = std::strerror(room != 0 ? room : errno);
    close(descriptor);
    return fail(Errc::disk, path + ": cannot be mapped: " + why);
  }
  auto file = std::make_unique<PaceFile>(descriptor, static_cast<Contents*>(mapped));
  file->lock();
  file->begin_anew_if_stale();
  const bool has_slot = file->claim_slot();
  file->unlock();
  if (!has_slot) return fail(Errc::disk, path + ": more processes ask this teacher than it has slots for");
  return std::unique_ptr<PaceBook>(std::move(file));
}

}  // namespace retort
