// Energy is counted where counters can be read, over their wrapping, and what cannot be read is said.
#include "cli/energy.h"

#include <filesystem>

#include "tests/catch.h"
#include "tests/support/temporary_folder.h"

namespace retort {
namespace {

struct Machine {
  void package(const std::string& zone, const std::string& name, const std::string& microjoules) {
    std::filesystem::create_directories(folder.path(zone));
    write_bytes(folder.path(zone + "/name"), name + "\n");
    write_bytes(folder.path(zone + "/energy_uj"), microjoules + "\n");
    write_bytes(folder.path(zone + "/max_energy_range_uj"), "1000000000\n");
  }
  TemporaryFolder folder;
};

double joules_of(const Json& summary, const char* source) {
  return summary.contains("sources") && summary["sources"].contains(source) ? summary["sources"][source].get<double>()
                                                                            : -1;
}

}  // namespace

TEST_CASE("packages are counted, their parts and the platform are not", "[unit][energy]") {
  Machine machine;
  machine.package("intel-rapl:0", "package-0", "5000000");
  machine.package("intel-rapl:1", "package-1", "0");
  machine.package("intel-rapl:2", "psys", "0");
  machine.package("intel-rapl:0:0", "core", "0");
  machine.package("intel-rapl-mmio:0", "package-0", "5000000");
  EnergyMeter meter = EnergyMeter::of_machine(machine.folder.path());
  machine.package("intel-rapl:0", "package-0", "7500000");
  machine.package("intel-rapl-mmio:0", "package-0", "7500000");
  machine.package("intel-rapl:1", "package-1", "999000000");
  meter.sample();
  machine.package("intel-rapl:1", "package-1", "1000000");  // begun again at 1000 J
  const Json summary = meter.summary();
  CHECK(joules_of(summary, "package-0") == Approx(2.5));
  CHECK(joules_of(summary, "package-1") == Approx(1001));
  CHECK(joules_of(summary, "psys") == -1);
  CHECK(summary["joules"].get<double>() >= Approx(1003.5));
  CHECK_FALSE(summary.contains("unread"));
}

TEST_CASE("a machine without counters says so and claims no joules", "[unit][energy]") {
  Machine machine;
  EnergyMeter meter = EnergyMeter::of_machine(machine.folder.path());
  const Json summary = meter.summary();
  CHECK(summary["unread"].get<std::string>().find("no energy counter") != std::string::npos);
  CHECK(joules_of(summary, "package-0") == -1);
}

}  // namespace retort
