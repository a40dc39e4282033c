// `retort convert`: a model in the file another program wants. It reads and writes weights by itself and needs no
// libtorch.
#include <filesystem>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "core/weights/convert.h"

namespace retort {
namespace {

struct ConvertFlags {
  std::string model, output, numbers = "f32";
};

Result<int> run_convert(const ConvertFlags& flags) {
  const auto numbers = numbers_from_word(flags.numbers);
  if (!numbers) return fail(numbers.error());
  if (auto converted = convert_model(flags.model, flags.output, *numbers); !converted) return fail(converted.error());
  say(flags.output + " is written");
  return kExitComplete;
}

}  // namespace

void add_convert(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ConvertFlags>();
  CLI::App* command = app.add_subcommand("convert", "Write a model as GGUF or as a Hugging Face folder");
  command->add_option("model", flags->model, "Folder of a run or of a model, or a .gguf file")->required();
  command->add_option("-o,--output", flags->output, "A file that ends in .gguf, or a new folder")->required();
  command->add_option("--numbers", flags->numbers, "f32, f16 or bf16; for .gguf also q8_0")
      ->capture_default_str()
      ->check(CLI::IsMember({"f32", "f16", "bf16", "q8_0"}));
  command->footer(
      "Example:\n  retort convert runs/first -o student.gguf --numbers q8_0\n"
      "  retort convert model.gguf -o model-folder");
  command->callback([flags, &action] { action = [flags](Edges&) { return run_convert(*flags); }; });
}

}  // namespace retort
