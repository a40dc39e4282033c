// What every dialect does alike, so that a dialect's own file says only what is its own: bounds and invoices, which
// bytes are a stream, what is done about one that was cut or holds an error, and what of a reply is an answer.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/teacher/sse.h"
#include "core/teacher/teacher.h"

namespace retort {

/// Puts the events of one stream together into the reply that the server would have sent as a whole.
class Fold {
 public:
  virtual ~Fold() = default;
  /// One event without an error in it, its data parsed.
  virtual void take(const std::string& name, const Json& data) = 0;
  /// The server's own mark of the end in plain text, such as [DONE].
  virtual void marked_done() {}
  /// Whether nothing is missing.
  virtual bool complete() const = 0;
  /// The reply so far. Called once, at the end.
  virtual Json whole() = 0;
};

class Codec : public Teacher {
 public:
  Result<void> accepts(const Json& parameters, int choices) const final;
  Result<void> accepts_messages(const Json& messages) const final;
  Cost bound(const Question& question) const final;
  HttpRequest encode(const Question& question) const final;
  HttpHeader credential_header(std::string_view key) const final;
  Reply decode(const HttpHead& head, std::string_view body) const final;
  Cost invoice(const Usage& usage, const Cost& bound, WallTime at) const final;
  std::optional<HttpRequest> ask_models() const override;
  std::optional<ServerFacts> read_models(const HttpHead& head, std::string_view body) const override;

 protected:
  /// What a dialect's file says about itself.
  struct Words {
    const char* name;                      ///< "anthropic"
    std::vector<std::string> unsayable;    ///< common parameters that the dialect has no word for
    int choices_max = 1;                   ///< answers of one request
    bool image_urls = false;               ///< takes images by https URL
    bool image_data = false;               ///< takes images as data URLs
    bool any_parts = false;                ///< passes kinds of parts on that we do not know
    bool inline_reasoning = true;          ///< a chat model may think in its text
    HttpHeader credential;                 ///< its name, and what stands before the key
    std::vector<HttpHeader> headers = {};  ///< of every request
    const char* models_path = "/models";   ///
  };

  Codec(TeacherSettings settings, Words words) : settings_(std::move(settings)), words_(std::move(words)) {}

  /// URL and body of a question; content-type and accept are added.
  virtual std::string url(const Question& question) const = 0;
  virtual Json body(const Question& question) const = 0;
  /// More than the list of unsayable words tells: values, and combinations.
  virtual Result<void> accepts_more(const Json&) const { return {}; }
  virtual Result<void> accepts_order(const Json&) const { return {}; }
  /// The reply as a whole, a JSON object without an error. Choices that say nothing may be among them.
  virtual Reply read(const Json& reply) const = 0;
  virtual std::unique_ptr<Fold> fold() const = 0;
  /// A stream of lines instead of events, each a JSON value (Ollama).
  virtual bool streams_lines() const { return false; }

  const TeacherSettings& settings() const { return settings_; }

 private:
  bool is_stream(const HttpHead& head, std::string_view body) const;
  Reply decode_stream(const HttpHead& head, std::string_view body) const;
  Reply finished(Reply reply, const HttpHead& head) const;

  TeacherSettings settings_;
  Words words_;
};

/// A rejection of a complete reply that is no answer.
Rejection no_answer(const char* word, std::string detail);

}  // namespace retort
