#include "cli/energy.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace retort {
namespace {

namespace fs = std::filesystem;

// A number in a file of sysfs; -1 if there is none.
double number_in(const fs::path& path) {
  std::ifstream file(path);
  double value = -1;
  return file >> value ? value : -1;
}

/// A package of the processor: microjoules in a file.
class PackageCounter final : public EnergyCounter {
 public:
  PackageCounter(std::string name, fs::path folder) : name_(std::move(name)), folder_(std::move(folder)) {}
  std::string name() const override { return name_; }
  double read() override {
    const double microjoules = number_in(folder_ / "energy_uj");
    return microjoules < 0 ? -1 : microjoules / 1e6;
  }
  double wraps_at() const override { return std::max(0.0, number_in(folder_ / "max_energy_range_uj") / 1e6); }

 private:
  std::string name_;
  fs::path folder_;
};

/// NVML, found at run time: a machine without NVIDIA's driver has none.
class Nvml {
 public:
  using Device = void*;
  static std::shared_ptr<Nvml> load() {
    void* library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return nullptr;
    auto nvml = std::shared_ptr<Nvml>(new Nvml);
    const auto find = [&](auto& function, const char* symbol) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, symbol));
      return function != nullptr;
    };
    int (*begin)() = nullptr;
    const bool all = find(begin, "nvmlInit_v2") && find(nvml->count_, "nvmlDeviceGetCount_v2") &&
                     find(nvml->handle_, "nvmlDeviceGetHandleByIndex_v2") &&
                     find(nvml->energy_, "nvmlDeviceGetTotalEnergyConsumption");
    // The library stays: taking a driver's library out of a process is asking for trouble.
    return all && begin() == 0 ? nvml : nullptr;
  }
  unsigned count() const {
    unsigned devices = 0;
    return count_(&devices) == 0 ? devices : 0;
  }
  Device device(unsigned index) const {
    Device device = nullptr;
    return handle_(index, &device) == 0 ? device : nullptr;
  }
  double joules(Device device) const {
    unsigned long long millijoules = 0;
    return energy_(device, &millijoules) == 0 ? static_cast<double>(millijoules) / 1e3 : -1;
  }

 private:
  Nvml() = default;
  int (*count_)(unsigned*) = nullptr;
  int (*handle_)(unsigned, Device*) = nullptr;
  int (*energy_)(Device, unsigned long long*) = nullptr;
};

class DeviceCounter final : public EnergyCounter {
 public:
  DeviceCounter(std::shared_ptr<Nvml> nvml, unsigned index)
      : nvml_(std::move(nvml)), device_(nvml_->device(index)), index_(index) {}
  std::string name() const override { return "gpu-" + std::to_string(index_); }
  double read() override { return device_ == nullptr ? -1 : nvml_->joules(device_); }
  double wraps_at() const override { return 0; }  // 64 bits of millijoules, since the driver was loaded

 private:
  std::shared_ptr<Nvml> nvml_;
  Nvml::Device device_;
  unsigned index_;
};

// The packages, without their parts (cores, memory controllers: intel-rapl:0:1) and without the platform as a whole.
std::vector<std::pair<std::string, fs::path>> packages(const std::string& powercap) {
  std::vector<std::pair<std::string, fs::path>> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(powercap, ignored)) {
    const std::string folder = entry.path().filename().string();
    if (std::count(folder.begin(), folder.end(), ':') != 1 || !fs::exists(entry.path() / "energy_uj", ignored))
      continue;
    std::string name;
    std::ifstream(entry.path() / "name") >> name;
    if (name.starts_with("package")) found.emplace_back(name, entry.path());
  }
  std::sort(found.begin(), found.end());
  // Another interface to the same counters (intel-rapl-mmio) has the same names.
  found.erase(std::unique(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first == b.first; }),
              found.end());
  return found;
}

}  // namespace

EnergyMeter EnergyMeter::of_machine(const std::string& powercap) {
  std::vector<std::unique_ptr<EnergyCounter>> counters;
  std::string unread;
  const auto all = packages(powercap);
  if (all.empty()) unread = "the processor has no energy counter here (" + powercap + ")";
  for (const auto& [name, folder] : all) {
    auto counter = std::make_unique<PackageCounter>(name, folder);
    if (counter->read() >= 0) {
      counters.push_back(std::move(counter));
    } else {
      unread = "no permission to read " + (folder / "energy_uj").string();
    }
  }
  if (const auto nvml = Nvml::load()) {
    for (unsigned i = 0; i < nvml->count(); ++i) {
      auto counter = std::make_unique<DeviceCounter>(nvml, i);
      if (counter->read() >= 0) {
        counters.push_back(std::move(counter));
      } else {
        unread += std::string(unread.empty() ? "" : "; ") + "NVML counts no energy of " + counter->name();
      }
    }
  }
  return {std::move(counters), unread};
}

EnergyMeter::EnergyMeter(std::vector<std::unique_ptr<EnergyCounter>> counters, std::string unread)
    : unread_(std::move(unread)) {
  for (auto& counter : counters) {
    const double now = counter->read();
    readings_.push_back({std::move(counter), now, 0});
  }
}

void EnergyMeter::sample() {
  for (Reading& reading : readings_) {
    const double now = reading.counter->read();
    if (now < 0) continue;
    reading.joules += now >= reading.last ? now - reading.last : now + reading.counter->wraps_at() - reading.last;
    reading.last = now;
  }
}

Json EnergyMeter::summary() {
  sample();
  Json summary = Json::object();
  double joules = 0;
  for (const Reading& reading : readings_) {
    summary["sources"][reading.counter->name()] = reading.joules;
    joules += reading.joules;
  }
  if (!readings_.empty()) summary["joules"] = joules;
  if (!unread_.empty()) summary["unread"] = unread_;
  return summary;
}

}  // namespace retort
