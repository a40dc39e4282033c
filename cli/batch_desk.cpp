#include "cli/batch_desk.h"

#include <random>

#include "cli/terminal.h"
#include "core/batch/batch_submitter.h"
#include "core/net/transport_settings.h"

namespace retort {
namespace {

BatchCorpora*& place_of_batches() {
  static BatchCorpora* corpora = nullptr;
  return corpora;
}

}  // namespace

Result<BatchDesk> open_desk(Edges& edges, TeacherProfile profile, std::unique_ptr<Teacher> teacher,
                            HarvestSettings harvest) {
  BatchDesk desk;
  const auto about = teacher->ask_models();
  auto api = make_batch_api(profile.identity.dialect, profile.settings.base_url,
                            about ? about->headers : std::vector<HttpHeader>());
  if (!api) return fail(Errc::usage, "teacher '" + profile.identity.name + "': " + api.error().message);
  desk.api = std::move(*api);
  auto transport = edges.make_transport(profile.transport);
  if (!transport) return fail(transport.error());
  desk.transport = std::move(*transport);

  BatchSettings& settings = desk.settings;
  settings.harvest = std::move(harvest);
  settings.harvest.stream = false;
  settings.price_factor = profile.batch_price_factor;
  settings.size_max = desk.api->size_max();
  if (profile.batch_requests_max > 0)
    settings.size_max.requests = std::min(settings.size_max.requests, std::size_t(profile.batch_requests_max));
  if (profile.batch_bytes_max > 0)
    settings.size_max.bytes = std::min(settings.size_max.bytes, std::size_t(profile.batch_bytes_max));
  settings.settle = from_seconds(profile.batch_settle_seconds);
  std::random_device device;
  settings.key_seed = (std::uint64_t{device()} << 32) | device();

  WireSettings wire;
  wire.key = settings.harvest.credential;
  if (!wire.key.empty()) wire.credential = teacher->credential_header(wire.key);
  wire.retry = settings.harvest.retry;
  wire.connect_timeout = profile.connect_timeout;
  wire.total_timeout = profile.total_timeout;
  desk.wire = std::make_unique<BatchWire>(edges.clock, *desk.transport, std::move(wire), interrupted, device());
  desk.teacher = std::move(teacher);
  desk.profile = std::move(profile);
  return desk;
}

BatchDesks::~BatchDesks() {
  on_interrupt([] {});  // the transports are about to go
}

Result<BatchDesk*> BatchDesks::of(const BatchRecord& batch) {
  const std::string& name = batch.teacher.name;
  auto known = desks_.find(name);
  if (known == desks_.end()) {
    if (!configuration_) {
      auto read = load_configuration(config_);
      if (!read) return fail(read.error());
      configuration_ = std::move(*read);
    }
    auto profile = find_teacher(*configuration_, name);
    if (!profile) return fail(profile.error());
    auto credential = credential_of(*profile);
    if (!credential) return fail(credential.error());
    auto teacher = make_teacher(profile->identity.dialect, profile->settings);
    if (!teacher) return fail(teacher.error());
    HarvestSettings harvest;
    harvest.credential = std::move(*credential);
    auto desk = open_desk(edges_, std::move(*profile), std::move(*teacher), std::move(harvest));
    if (!desk) return fail(desk.error());
    known = desks_.emplace(name, std::move(*desk)).first;
    on_interrupt([this] {
      for (auto& [key, one] : desks_) one.transport->wake();
    });
  }
  if (!is_batch_of(batch, known->second.profile.identity)) {
    return fail(Errc::usage,
                batch_name(batch) + " was made at " + batch.teacher.base_url + " (" + batch.teacher.dialect +
                    "), and [teacher." + name + "] points elsewhere now: set it back" +
                    (known->second.profile.endpoints.empty() ? "" : ", first in base_urls,") + " to collect it");
  }
  return &known->second;
}

void use_batches_of(BatchCorpora& corpora) { place_of_batches() = &corpora; }

BatchCorpora& batch_corpora() {
  RETORT_ASSERT(place_of_batches() != nullptr);
  return *place_of_batches();
}

Result<UnderWay> under_way(const std::string& corpus) {
  const auto batches = batch_corpora().batches(corpus);
  if (!batches) return fail(batches.error());
  UnderWay result;
  for (const BatchRecord& batch : *batches) {
    result.requests += batch.open;
    result.reserved += batch.reserved;
  }
  return result;
}

std::string batch_name(const BatchRecord& batch) {
  return "batch " + std::to_string(batch.id) +
         (batch.provider_id.empty() ? std::string() : " (" + visible_line(batch.provider_id) + ")");
}

}  // namespace retort
