#include "storage/file_system.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <array>
#include <fstream>
#include <iterator>

namespace retort {
namespace {

struct Kind {
  std::uint32_t magic;
  const char* name;
};

constexpr std::array kNetwork{
    Kind{0x6969, "nfs"},        Kind{0x517B, "smb"},        Kind{0xFF534D42, "cifs"},   Kind{0xFE534D42, "smb2"},
    Kind{0x01021997, "9p"},     Kind{0x5346414F, "afs"},    Kind{0x6B414653, "afs"},    Kind{0x00C36400, "ceph"},
    Kind{0x0BD00BD0, "lustre"}, Kind{0x73757245, "coda"},   Kind{0x564C, "ncp"},        Kind{0x47504653, "gpfs"},
    Kind{0x7461636F, "ocfs2"},  Kind{0x01161970, "gfs2"},   Kind{0x19830326, "beegfs"}, Kind{0xAAD7AAEA, "panfs"},
    Kind{0x786F4256, "vboxsf"}, Kind{0xBACBACBC, "vmhgfs"},
};

constexpr std::uint32_t kFuse = 0x65735546;

// Local FUSE (overlays of containers, ntfs-3g, encrypted folders) is fine; these are known to be remote.
constexpr std::array<std::string_view, 20> kRemoteFuse{
    "fuse.sshfs",    "fuse.s3fs",      "fuse.rclone",    "fuse.glusterfs", "fuse.gcsfuse",
    "fuse.davfs2",   "fuse.davfs",     "fuse.curlftpfs", "fuse.goofys",    "fuse.smbnetfs",
    "fuse.ceph",     "fuse.ceph-fuse", "fuse.juicefs",   "fuse.mount-s3",  "fuse.mfs",
    "fuse.lizardfs", "fuse.seaweedfs", "fuse.blobfuse",  "fuse.blobfuse2", "fuse.google-drive-ocamlfuse",
};

}  // namespace

std::optional<std::string> network_file_system(std::uint64_t magic, std::string_view mount_type) {
  // f_type is signed in some places, so only its 32 bits can be compared.
  const auto bits = static_cast<std::uint32_t>(magic);
  for (const Kind& kind : kNetwork) {
    if (kind.magic == bits) return kind.name;
  }
  if (bits == kFuse) {
    for (const std::string_view remote : kRemoteFuse) {
      if (mount_type == remote) return std::string(remote.substr(5));
    }
  }
  return {};
}

std::string mount_type_of(std::string_view mountinfo, std::string_view device) {
  // "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw": the third field, and the first after " - ".
  while (!mountinfo.empty()) {
    const std::string_view line = mountinfo.substr(0, mountinfo.find('\n'));
    mountinfo.remove_prefix(std::min(line.size() + 1, mountinfo.size()));
    std::size_t at = 0;
    for (int field = 0; field < 2 && at != std::string_view::npos; ++field) {
      at = line.find(' ', at);
      if (at != std::string_view::npos) ++at;
    }
    if (at == std::string_view::npos || line.substr(at, line.find(' ', at) - at) != device) continue;
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const std::string_view rest = line.substr(dash + 3);
    return std::string(rest.substr(0, rest.find(' ')));
  }
  return {};
}

Result<void> check_local(const std::string& place, const std::string& corpus) {
  struct statfs system {};
  struct stat file {};
  // What cannot be asked cannot be refused; opening the file will tell what is wrong with it.
  if (statfs(place.c_str(), &system) != 0 || stat(place.c_str(), &file) != 0) return {};
  std::string mount_type;
  if (static_cast<std::uint32_t>(system.f_type) == kFuse) {
    std::ifstream mountinfo("/proc/self/mountinfo");
    const std::string text{std::istreambuf_iterator<char>(mountinfo), {}};
    mount_type = mount_type_of(text, std::to_string(major(file.st_dev)) + ":" + std::to_string(minor(file.st_dev)));
  }
  const auto name = network_file_system(static_cast<std::uint64_t>(system.f_type), mount_type);
  if (!name) return {};
  return fail(Errc::corpus, corpus + ": lies on a network file system (" + *name +
                                "), where SQLite loses data: keep the corpus on a local disk and copy it when done");
}

}  // namespace retort
