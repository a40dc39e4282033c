// `retort teacher list` and `retort teacher test`: who may be asked, and what one real call brings back.
#include <unistd.h>

#include "cli/command.h"
#include "cli/config.h"
#include "cli/exit_codes.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "core/base/text.h"
#include "core/harvest/rate_signals.h"
#include "core/teacher/presets.h"
#include "core/teacher/redacted_reply.h"

namespace retort {
namespace {

struct Flags {
  std::string config;
  std::string teacher;
  std::string prompt = "Reply with the single word OK.";
  bool json = false;
  bool presets = false;
};

Json describe(const TeacherProfile& profile) {
  const Terms& terms = profile.terms;
  Json places = Json::array({profile.identity.base_url});
  if (!profile.endpoints.empty()) places = profile.endpoints;
  return {{"name", profile.identity.name},
          {"api", profile.identity.dialect},
          {"base_url", profile.identity.base_url},
          {"base_urls", std::move(places)},
          {"model", profile.identity.model},
          {"api_key_env", profile.api_key_env},
          {"licence", terms.licence},
          {"terms_url", terms.terms_url},
          {"terms_checked", terms.terms_checked},
          {"conditions", terms.conditions},
          {"outputs_may_train", terms.outputs_may_train ? Json(*terms.outputs_may_train) : Json()},
          {"requests_per_minute", profile.limits.requests_per_minute},
          {"tokens_per_minute", profile.limits.tokens_per_minute},
          {"max_in_flight", profile.limits.in_flight_max}};
}

int list_presets(const Flags& flags) {
  Json all = Json::array();
  for (const Preset& preset : presets()) {
    if (flags.json) {
      all.push_back({{"name", preset.name},
                     {"api", preset.dialect},
                     {"base_url", preset.base_url},
                     {"terms_url", preset.terms_url}});
      continue;
    }
    const std::string place = preset.base_url.empty() ? "a base_url of your own" : std::string(preset.base_url);
    print_line(std::string(preset.name) + ": " + std::string(preset.dialect) + " at " + place);
    print_line(preset.terms_url.empty()
                   ? "  a server of your own: what its outputs may be used for, the model's licence says"
                   : "  whether its outputs may train a model is for you to read and to state: " +
                         std::string(preset.terms_url));
  }
  if (flags.json) print_line(dump_json(all));
  return kExitComplete;
}

Result<int> list(const Flags& flags, Edges&) {
  if (flags.presets) return list_presets(flags);
  Result<Configuration> configuration = load_configuration(flags.config);
  if (!configuration) return fail(configuration.error());
  Json all = Json::array();
  for (const auto& [name, profile] : configuration->teachers) {
    if (flags.json) {
      all.push_back(describe(profile));
      continue;
    }
    const std::string more =
        profile.endpoints.empty() ? "" : " and " + std::to_string(profile.endpoints.size() - 1) + " more";
    print_line(name + ": " + profile.identity.model + " at " + profile.identity.base_url + more + " (" +
               profile.identity.dialect + ")" +
               (profile.api_key_env.empty() ? ", no key" : ", key in " + profile.api_key_env));
    print_line("  " + describe_terms(name, profile.terms));
  }
  if (flags.json) print_line(dump_json(all));
  if (!flags.json && configuration->teachers.empty()) say(configuration->path + " describes no teacher");
  return kExitComplete;
}

struct Exchange {
  HttpHead head;
  std::string body;
  ResponseEnd end;
};

Exchange exchange_once(Transport& transport, HttpRequest request) {
  Exchange result;
  transport.submit(ExchangeId{1}, std::move(request));
  while (true) {
    for (NetEvent& event : transport.wait(Instant::never())) {
      if (auto* head = std::get_if<ResponseHead>(&event)) result.head = std::move(head->head);
      if (auto* bytes = std::get_if<ResponseBytes>(&event)) result.body += bytes->bytes;
      if (auto* end = std::get_if<ResponseEnd>(&event)) {
        result.end = std::move(*end);
        return result;
      }
    }
    if (interrupted()) {
      result.end = {ExchangeId{1}, NetFault::timeout, "stopped by a signal", true, {}};
      return result;
    }
  }
}

Json announced_limits(const HttpHead& head, const std::string& credential) {
  Json limits = Json::object();
  for (const auto& [name, value] : head.headers) {
    if (name.find("ratelimit") != std::string::npos || name.rfind("retry-after", 0) == 0)
      limits[name] = redacted(to_valid_utf8(value), credential);
  }
  return limits;
}

void print_reply(const Exchange& exchange, const Json& limits, const Reply& reply, const Cost& cost) {
  print_line("status: " + std::to_string(exchange.head.status) + " after " + short_duration(exchange.end.timing.total));
  if (limits.empty()) print_line("limits announced: none");
  for (const auto& [name, value] : limits.items())
    print_line("limit announced: " + name + ": " + visible_text(value.get<std::string>()));
  if (const auto* answer = std::get_if<Answer>(&reply)) {
    const Response* response = &answer->choices.front();
    print_line(
        "served model: " + visible_text(response->served_model) +
        (response->system_fingerprint.empty() ? "" : ", fingerprint " + visible_text(response->system_fingerprint)));
    if (!response->reasoning.empty()) print_line("reasoning: " + visible_text(response->reasoning));
    print_line("answer: " + visible_text(response->text));
    print_line("finish: " + visible_text(response->provider_finish) + "; tokens " + with_commas(cost.input) + " in, " +
               with_commas(cost.output) + " out; cost " + as_dollars(cost.money));
  }
}

/// One call of a server's, printed. Errc::refused or Errc::quota if it brings no answer.
Result<void> test_server(const Flags& flags, Edges& edges, const TeacherProfile& profile, const std::string& credential,
                         const Teacher& teacher, const std::string& server) {
  Result<std::unique_ptr<Transport>> transport = edges.make_transport(profile.transport);
  if (!transport) return fail(transport.error());
  on_interrupt([&wire = **transport] { wire.wake(); });

  const Question question{Json::array({{{"role", "user"}, {"content", flags.prompt}}}), profile.parameters,
                          profile.max_tokens};
  HttpRequest request = teacher.encode(question);
  request.url.replace(0, profile.identity.base_url.size(), server);
  if (!credential.empty()) request.headers.push_back(teacher.credential_header(credential));
  request.connect_timeout = profile.connect_timeout;
  request.total_timeout = profile.total_timeout;
  say("asking " + server + " for " + profile.identity.model + "; " +
      describe_terms(profile.identity.name, profile.terms));
  Exchange exchange = exchange_once(**transport, std::move(request));
  on_interrupt([] {});
  if (interrupted()) return fail(Errc::interrupted, "stopped by a signal");
  if (exchange.end.fault != NetFault::none)
    return fail(Errc::refused, "no answer from " + server + ": " + redacted(exchange.end.detail, credential));
  const Reply reply = decode_redacted(teacher, exchange.head, exchange.body, credential);
  Cost cost;
  if (const auto* answer = std::get_if<Answer>(&reply))
    cost = teacher.invoice(answer->usage, teacher.bound(question), edges.clock.wall());
  const Json limits = announced_limits(exchange.head, credential);
  if (flags.json) {
    const Result<Json> body = parse_json(exchange.body);
    print_line(dump_json({{"teacher", describe(profile)},
                          {"asked", server},
                          {"status", exchange.head.status},
                          {"seconds", seconds(exchange.end.timing.total)},
                          {"limits", limits},
                          {"cost_usd", cost.money.dollars()},
                          {"body", body ? *body : Json(to_valid_utf8(exchange.body))}}));
  } else {
    print_reply(exchange, limits, reply, cost);
  }
  const auto* rejection = std::get_if<Rejection>(&reply);
  if (!rejection) return {};
  const Errc code = rejection->kind == Rejection::Kind::quota ? Errc::quota : Errc::refused;
  return fail(code, server + " did not answer (" + rejection->word + "): " + rejection->detail);
}

Result<int> test(const Flags& flags, Edges& edges) {
  Result<Configuration> configuration = load_configuration(flags.config);
  if (!configuration) return fail(configuration.error());
  Result<TeacherProfile> profile = find_teacher(*configuration, flags.teacher);
  if (!profile) return fail(profile.error());
  Result<std::string> credential = credential_of(*profile);
  if (!credential) return fail(credential.error());
  Result<std::unique_ptr<Teacher>> teacher = make_teacher(profile->identity.dialect, profile->settings);
  if (!teacher) return fail(teacher.error());
  if (auto accepted = (*teacher)->accepts(profile->parameters, 1); !accepted) return fail(accepted.error());
  std::vector<std::string> servers = profile->endpoints;
  if (servers.empty()) servers.push_back(profile->identity.base_url);
  std::vector<Error> failures;
  for (const std::string& server : servers) {
    const Result<void> tested = test_server(flags, edges, *profile, *credential, **teacher, server);
    if (tested) continue;
    if (servers.size() == 1 || tested.error().code == Errc::interrupted) return fail(tested.error());
    say(tested.error().message);
    failures.push_back(tested.error());
  }
  if (!failures.empty()) {
    return fail(failures.front().code, std::to_string(failures.size()) + " of " + std::to_string(servers.size()) +
                                           " servers of " + profile->identity.name + " did not answer");
  }
  return kExitComplete;
}

}  // namespace

void add_teacher(CLI::App& app, Action& action) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("teacher", "The configured teachers");
  command->require_subcommand(1);
  command->footer("Example:\n  retort teacher list\n  retort teacher test r1");
  const auto common = [&](CLI::App* sub) {
    sub->add_option("--config", flags->config, "Configuration file (default: retort.toml, then the user's)");
    sub->add_flag("--json", flags->json, "Print JSON");
    return sub;
  };
  CLI::App* lister = common(command->add_subcommand("list", "Who is configured, and under what terms"));
  lister->add_flag("--presets", flags->presets, "Well-known servers for the key `preset`, instead of the profiles");
  lister->footer("Example:\n  retort teacher list --json");
  lister->callback([flags, &action] { action = [flags](Edges& edges) { return list(*flags, edges); }; });
  CLI::App* tester =
      common(command->add_subcommand("test", "One real call: everything it returned, and what limits it announced"));
  tester->add_option("teacher", flags->teacher, "Name of a [teacher.NAME] in the configuration")->required();
  tester->add_option("--prompt", flags->prompt, "What to ask");
  tester->footer("Example:\n  retort teacher test r1 --prompt 'What is 2 + 2?'");
  tester->callback([flags, &action] { action = [flags](Edges& edges) { return test(*flags, edges); }; });
}

}  // namespace retort
