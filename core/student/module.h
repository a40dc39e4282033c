/* The border between retort and the student module, which is opened with dlopen on first use. Plain C: torch may have
 * been built with another string ABI, and an exception must not cross. Text goes over as JSON, so that a new setting is
 * no new version; RETORT_STUDENT_ABI changes whenever anything in this file does.
 *
 * Everything is called from one thread. No pointer given to a callee is valid after it has returned. */
#ifndef RETORT_STUDENT_MODULE_H
#define RETORT_STUDENT_MODULE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RETORT_STUDENT_ABI 2u
#define RETORT_STUDENT_ENTRY "retort_student_entry"

/* Bytes, UTF-8, not ended by NUL. */
typedef struct retort_text {
  const char* data;
  size_t size;
} retort_text;

typedef struct retort_pair {
  int64_t id;           /* of the response */
  retort_text messages; /* JSON array of {role, content} */
  retort_text reasoning;
  retort_text answer;
} retort_pair;

/* Takes one pair; not 0 means: no more. */
typedef int (*retort_take_pair)(void* sink, const retort_pair* pair);

/* What a job asks of its host. `context` is handed back as it is. */
typedef struct retort_host {
  void* context;
  /* Hands all pairs to `take`, the same ones in the same order at each call. 0, or not 0 if reading failed: the host
   * knows why. Stopping because `take` said so is no failure. */
  int (*read_pairs)(void* context, retort_take_pair take, void* sink);
  /* Takes one line of JSON: {"event": ...}. */
  void (*emit)(void* context, retort_text line);
  /* Not 0: end as soon as what was done is safe. */
  int (*should_stop)(void* context);
} retort_host;

typedef enum retort_status {
  RETORT_STATUS_OK = 0,
  RETORT_STATUS_INTERNAL = 1,     /* a bug, or libtorch failed */
  RETORT_STATUS_USAGE = 2,        /* settings or input */
  RETORT_STATUS_DISK = 8,         /* disk full or failing */
  RETORT_STATUS_HOST = 100,       /* a callback failed */
  RETORT_STATUS_INTERRUPTED = 130 /* should_stop; a checkpoint was written */
} retort_status;

typedef struct retort_failure {
  char message[2048]; /* one line, ended by NUL; set whenever the status is not OK */
} retort_failure;

typedef struct retort_session retort_session; /* a run opened for generation */

typedef struct retort_student {
  uint32_t abi;
  const char* description; /* "libtorch 1.13.0, CPU" */

  /* Trains a run, or goes on with one. Settings: core/student/train_settings.h. */
  retort_status (*train)(retort_text settings, const retort_host* host, retort_failure* failure);

  /* {"run": folder, "device": "auto"} */
  retort_status (*open)(retort_text settings, retort_session** session, retort_failure* failure);
  /* {"prompts": [messages, ...], "max_tokens", "temperature", "top_p", "top_k", "min_p", "stop": [texts],
   * "seed", "batch_size"}: emits for each prompt
   * {"event": "completion", "index", "text", "reasoning", "finish": "stop"|"length", "tokens"}, in order;
   * with "problem" and nothing else of use if the prompt could not be asked. */
  retort_status (*generate)(retort_session* session, retort_text request, const retort_host* host,
                            retort_failure* failure);
  void (*close)(retort_session* session);
} retort_student;

/* The module's one symbol. NULL if it is of another version than the host. */
typedef const retort_student* (*retort_student_entry_function)(uint32_t host_abi);

#ifdef __cplusplus
}
#endif
#endif
