// Which file systems a corpus may lie on.
#include "storage/file_system.h"

#include <filesystem>

#include "tests/catch.h"

namespace retort {

TEST_CASE("network file systems are known by their magic number", "[unit]") {
  CHECK(network_file_system(0x6969, "") == "nfs");
  CHECK(network_file_system(0xFF534D42, "") == "cifs");
  CHECK(network_file_system(0xFFFFFFFFFF534D42, "") == "cifs");  // f_type, sign extended
  CHECK(network_file_system(0xFE534D42, "") == "smb2");
  CHECK(network_file_system(0x00C36400, "") == "ceph");
  CHECK(network_file_system(0x0BD00BD0, "") == "lustre");
  CHECK(network_file_system(0x01021997, "") == "9p");
  CHECK(network_file_system(0x5346414F, "") == "afs");
}

TEST_CASE("local file systems are not refused", "[unit]") {
  for (const std::uint64_t magic : {0xEF53u, 0x58465342u, 0x9123683Eu, 0x01021994u, 0x794C7630u, 0x2FC12FC1u})
    CHECK_FALSE(network_file_system(magic, "").has_value());
  CHECK_FALSE(network_file_system(0x65735546, "fuse.ntfs-3g").has_value());
  CHECK_FALSE(network_file_system(0x65735546, "").has_value());
  CHECK(network_file_system(0x65735546, "fuse.sshfs") == "sshfs");
  CHECK_FALSE(network_file_system(0xEF53, "fuse.sshfs").has_value());
}

TEST_CASE("mountinfo tells kinds of FUSE apart", "[unit]") {
  constexpr char kText[] =
      "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
      "36 22 0:45 / /mnt/far rw,nosuid - fuse.sshfs far:/home rw,user_id=0\n"
      "37 22 0:46 / /mnt/odd rw\n"
      "broken";
  CHECK(mount_type_of(kText, "0:45") == "fuse.sshfs");
  CHECK(mount_type_of(kText, "254:0") == "ext4");
  CHECK(mount_type_of(kText, "0:46").empty());
  CHECK(mount_type_of(kText, "0:4").empty());
  CHECK(mount_type_of("", "0:4").empty());
}

TEST_CASE("the folder of temporary files is local", "[unit]") {
  const auto local = check_local(std::filesystem::temp_directory_path().string(), "corpus.db");
  REQUIRE_OK(local);
}

}  // namespace retort
