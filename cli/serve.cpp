// `retort serve`: an embedded teacher on a socket, for demos, tests and anybody's OpenAI client.
#include <cstdlib>

#include "cli/command.h"
#include "cli/options.h"
#include "core/net/transport_settings.h"
#include "core/serve/builtin_teacher.h"
#include "core/serve/openai_server.h"

namespace retort {
namespace {

struct ServeFlags {
  std::string builtin;
  std::string host = "127.0.0.1";
  int port = 8080;
  double requests_per_minute = 0;
  double tokens_per_minute = 0;
  int latency_ms = 0;
  std::string api_key_env;
  std::uint64_t seed = 0;
};

Result<ServerOptions> resolve(const ServeFlags& flags) {
  ServerOptions options{.host = flags.host, .port = flags.port, .seed = flags.seed};
  options.latency = std::chrono::milliseconds(flags.latency_ms);
  if (flags.requests_per_minute > 0) options.requests_per_minute = flags.requests_per_minute;
  if (flags.tokens_per_minute > 0) options.tokens_per_minute = flags.tokens_per_minute;
  if (!flags.api_key_env.empty()) {
    const char* key = std::getenv(flags.api_key_env.c_str());
    if (key == nullptr || *key == '\0') {
      return fail(Errc::usage,
                  "the variable " + flags.api_key_env + " is not set: export it, or leave out --api-key-env");
    }
    options.api_key = key;
  }
  return options;
}

void introduce(const OpenAiServer& server, const ServeFlags& flags) {
  say("serving the teacher '" + flags.builtin + "' at " + server.base_url() +
      " (Ctrl-C ends it). To ask it, put this into retort.toml:");
  say("");
  say("[teacher." + flags.builtin + "]");
  say("api = \"openai-chat\"");
  say("base_url = \"" + server.base_url() + "\"");
  say("model = \"" + flags.builtin + "\"");
  if (!flags.api_key_env.empty()) say("api_key_env = \"" + flags.api_key_env + "\"");
  say("licence = \"Apache-2.0\"");
  say("outputs_may_train = true");
}

Result<int> serve(const ServeFlags& flags, Edges& edges) {
  Result<ServerOptions> options = resolve(flags);
  if (!options) return fail(options.error());
  Result<std::unique_ptr<OpenAiServer>> server = OpenAiServer::start(*options, make_arithmetic_teacher(), edges.clock);
  if (!server) return fail(server.error());
  introduce(**server, flags);

  // The transport of nobody: it has what a signal handler may safely call, and a wait() that this ends.
  Result<std::unique_ptr<Transport>> sleeper = edges.make_transport({});
  if (!sleeper) return fail(sleeper.error());
  on_interrupt([&] { (*sleeper)->wake(); });
  while (!interrupted()) (*sleeper)->wait(Instant::never());
  on_interrupt({});

  (*server)->stop();
  const ServerCounts counts = (*server)->counts();
  say("stopped: " + std::to_string(counts.requests) + " requests, " + std::to_string(counts.answered) + " answered, " +
      std::to_string(counts.refused) + " refused by the limits, " + std::to_string(counts.erroneous) + " in error");
  return interrupted_exit_code();
}

}  // namespace

void add_serve(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command = app.add_subcommand("serve", "Serve an embedded teacher over OpenAI's chat completions");
  command
      ->add_option("--builtin", flags->builtin,
                   "Which teacher: 'arithmetic' answers sums, differences, comparisons, small stories")
      ->required()
      ->check(CLI::IsMember({"arithmetic"}));
  command->add_option("--host", flags->host, "Address to listen on; others than loopback open it to the network")
      ->capture_default_str();
  command->add_option("--port", flags->port, "Port to listen on; 0 takes any free one")
      ->capture_default_str()
      ->check(CLI::Range(0, 65535));
  command->add_option("--requests-per-minute", flags->requests_per_minute, "Refuse more with 429 (default: no limit)")
      ->check(positive_number());
  command
      ->add_option("--tokens-per-minute", flags->tokens_per_minute,
                   "Refuse more with 429, prompt and answer counted (default: no limit)")
      ->check(positive_number());
  command->add_option("--latency-ms", flags->latency_ms, "Wait so long before each answer")
      ->capture_default_str()
      ->check(CLI::Range(0, 600000));
  command->add_option("--api-key-env", flags->api_key_env, "Demand the key that this environment variable holds");
  command->add_option("--seed", flags->seed, "Seed for requests without one; it chooses the wording of the steps")
      ->capture_default_str();
  command->footer("Example:\n  retort serve --builtin arithmetic --port 8080 --requests-per-minute 3000");
  command->callback([&action, flags] { action = [flags](Edges& edges) { return serve(*flags, edges); }; });
}

}  // namespace retort
