/* The border between retort and the Parquet module, which is opened with dlopen on first use. Plain C: Arrow may have
 * been built with another string ABI, and an exception must not cross. Rows go over as JSON text, so that a row of
 * Parquet takes the very way of a line of JSON. RETORT_PARQUET_ABI changes whenever anything in this file does.
 *
 * One thread at a time for each file. No pointer given to a callee is valid after it has returned. */
#ifndef RETORT_PARQUET_MODULE_H
#define RETORT_PARQUET_MODULE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RETORT_PARQUET_ABI 1u
#define RETORT_PARQUET_ENTRY "retort_parquet_entry"

/* Bytes, UTF-8, not ended by NUL. */
typedef struct retort_parquet_text {
  const char* data;
  size_t size;
} retort_parquet_text;

typedef enum retort_parquet_status {
  RETORT_PARQUET_OK = 0,
  RETORT_PARQUET_INTERNAL = 1, /* a bug, no memory, or Arrow failed */
  RETORT_PARQUET_USAGE = 2,    /* the file, or what was asked for */
  RETORT_PARQUET_ROW = 3,      /* this row cannot be said in JSON; the next one may be */
  RETORT_PARQUET_END = 4,      /* no more rows */
  RETORT_PARQUET_HOST = 100    /* the sink failed: the host knows why */
} retort_parquet_status;

typedef struct retort_parquet_failure {
  char message[1024]; /* one line, ended by NUL; set unless the status is OK, END or HOST */
} retort_parquet_failure;

typedef struct retort_parquet_rows retort_parquet_rows; /* a file that is read */
typedef struct retort_parquet_file retort_parquet_file; /* a file that is written */

/* Takes the next bytes of a file; not 0: it could not. */
typedef int (*retort_parquet_sink)(void* context, retort_parquet_text bytes);

typedef struct retort_parquet {
  uint32_t abi;
  const char* description; /* "Arrow 26.0.1" */

  /* Fails before the first row on what is no Parquet and on columns that JSON cannot say. `count`: rows in all. */
  retort_parquet_status (*open)(const char* path, retort_parquet_rows** rows, int64_t* count,
                                retort_parquet_failure* failure);
  /* The next row as a JSON object; valid until the next call. */
  retort_parquet_status (*next)(retort_parquet_rows* rows, retort_parquet_text* row, retort_parquet_failure* failure);
  void (*close)(retort_parquet_rows* rows);

  /* {"columns": a row whose leaves are "text" or "integer" and whose lists have one element, "compression": "zstd",
   * "gzip" or "none"}. Nothing goes to the sink before the first write() or finish(). */
  retort_parquet_status (*create)(retort_parquet_text settings, retort_parquet_sink sink, void* context,
                                  retort_parquet_file** file, retort_parquet_failure* failure);
  /* A JSON object of those columns; what is null or not there is null. */
  retort_parquet_status (*write)(retort_parquet_file* file, retort_parquet_text row, retort_parquet_failure* failure);
  /* The rest of the file; nothing may be written after it. */
  retort_parquet_status (*finish)(retort_parquet_file* file, retort_parquet_failure* failure);
  /* Finished or not: frees it. */
  void (*discard)(retort_parquet_file* file);
} retort_parquet;

/* The module's one symbol. NULL if it is of another version than the host. */
typedef const retort_parquet* (*retort_parquet_entry_function)(uint32_t host_abi);

#ifdef __cplusplus
}
#endif
#endif
