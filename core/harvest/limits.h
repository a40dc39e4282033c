#pragma once

namespace retort {

/// What the user says that the teacher allows. Zero: unknown, to be learned from the teacher.
struct Limits {
  double requests_per_minute = 0;
  double tokens_per_minute = 0;         ///< in and out together
  double input_tokens_per_minute = 0;   ///< where the provider counts them apart
  double output_tokens_per_minute = 0;  ///<
  double requests_per_day = 0;
  double tokens_per_day = 0;
  /// Requests on the wire, or answered and not yet on disk, of all processes that ask this teacher. How many of them
  /// are useful is found out (core/harvest/concurrency.h); more than this are never sent.
  int in_flight_max = 1024;
};

}  // namespace retort
