// Looking after a corpus: what is wrong with it, and what it must forget. Plain values for the ports in corpus.h.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/corpus/records.h"

namespace retort {

/// One thing that a checkup has to say.
struct Finding {
  std::string check;   ///< a word for machines: "pages", "digest", …
  bool damage = true;  ///< false: worth knowing, nothing is wrong
  std::string line;    ///< one line: what it is, what it means, what to do
};

struct Checkup {
  std::int64_t version = 0;  ///< of the schema
  std::int64_t prompts = 0, requests = 0, attempts = 0, responses = 0, bodies = 0;
  bool damaged = false;  ///< any finding said so
};

/// How identities are computed, see core/teacher/identity.h: given to the checkup, which compares.
struct IdentityDigests {
  std::function<std::string(const std::string& dialect, const std::string& model, const Messages& messages,
                            const Json& parameters, int sample)>
      request;
};

/// What to forget. A prompt is forgotten with everything that came of it, since answers repeat what they were asked.
struct ToForget {
  std::vector<RowId> responses;  ///< each names its prompt
  std::string containing;        ///< prompts with this text in them, in their metadata or in any answer; empty: none
  std::string reason;            ///< kept in the corpus
};

/// The bytes of an attempt as they are stored, with what a decoder needs to know of it.
struct StoredReply {
  TeacherIdentity teacher;
  int status = 0;
  Json headers = Json::object();  ///< those worth keeping: name → value
  std::string body;
};

/// What they say, read by today's decoder.
struct Reread {
  std::vector<Response> answers;  ///< none if they are no answer
  bool partial = false;           ///< the one answer is what came before a cut
  std::string problem;            ///< why there is none
};
using Decode = std::function<Reread(const StoredReply&)>;

/// One response that reads otherwise now.
struct Redecoded {
  RowId attempt = 0;
  RowId response = 0;                ///< 0: of an attempt that had none
  std::vector<std::string> changed;  ///< columns
  std::string note;
};

struct Redecoding {
  std::int64_t bodies = 0, unchanged = 0, changed = 0;
  std::int64_t recovered = 0;   ///< answers that could not be read before
  std::int64_t unreadable = 0;  ///< bodies whose stored answer is not found in them any more: left as it is
};

struct ForgottenPrompt {
  RowId prompt = 0;
  std::string digest;
  std::vector<RowId> responses;
  bool before = false;  ///< was forgotten already
};

}  // namespace retort
