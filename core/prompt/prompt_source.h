// Where prompts come from: JSON lines, Parquet, plain text, files or a pipe; read as a stream, since nothing may grow
// with their number.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "core/corpus/records.h"

namespace retort {

enum class PromptFormat {
  automatic,  ///< by the file's ending (.jsonl, .ndjson, .json); a pipe by its first character: '{' means JSON lines.
              ///< Parquet is told by its first bytes, or its name
  jsonl,      ///< an object a line
  text,       ///< a prompt a line
};

struct PromptSettings {
  PromptFormat format = PromptFormat::automatic;
  /// "… {{field}} …": makes the user's message of any JSON object. Empty: rows bring `messages`, or `prompt`.
  std::string prompt_template;
  /// Put before each conversation that has no system message of its own. Empty: none.
  std::string system;
};

/// A row that cannot be used: which, and why.
struct BadRow {
  std::string source;
  std::int64_t row = 0;
  std::string problem;
  bool rest_lost = false;  ///< nor can what follows it be read: not to be passed over
};

/// The next thing a source has to say.
using PromptEvent = std::variant<PromptRow, BadRow>;

/// One row from one line. Pure. `reference` is taken as the known answer; fields that are not used become metadata, see
/// metadata_of().
PromptEvent parse_prompt_line(std::string_view line, PromptFormat format, const PromptSettings& settings,
                              const std::string& source, std::int64_t row);

/// Fills `{{field}}` from the object's members (strings as they are, the rest as JSON). Errc::usage names a missing
/// field.
Result<std::string> fill_template(const std::string& text, const Json& object);

/// Reads the files in order, "-" being standard input. Blocks while a pipe has nothing: run it in a BackgroundFeed.
class PromptSource {
 public:
  virtual ~PromptSource() = default;
  /// The next row, a bad row, or nothing at the end.
  virtual std::optional<PromptEvent> next() = 0;
  /// How much of the input has been read, 0 to 1; nothing if it is a pipe.
  virtual std::optional<double> fraction_read() const = 0;
};

/// Checks that every file can be read before the first is. Errc::usage names the one that cannot.
Result<std::unique_ptr<PromptSource>> open_prompts(const std::vector<std::string>& paths, PromptSettings settings);

}  // namespace retort
