#include "core/net/curl_library.h"

#include <dlfcn.h>

#define CURL_DISABLE_TYPECHECK  // its macros would stand where functions are defined
#include <curl/curl.h>

#include <cstdarg>

namespace retort {
namespace {

void* g_library = nullptr;

// The real function of that name; missing ones are older than the version we ask for at build time.
void* real(const char* name) {
  RETORT_ASSERT(g_library != nullptr);
  void* function = dlsym(g_library, name);
  RETORT_ASSERT(function != nullptr);
  return function;
}

}  // namespace

Result<void> load_curl() {
  static const std::string problem = [] {
    g_library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    return g_library != nullptr ? std::string() : std::string(dlerror());
  }();
  if (!problem.empty())
    return fail(Errc::internal, "cannot load libcurl (Debian: apt-get install libcurl4): " + problem);
  return {};
}

}  // namespace retort

// The functions of libcurl that core/net calls, under their own names, each forwarding to the loaded library.
#define RETORT_FORWARD(result, name, parameters, arguments)                                   \
  extern "C" __attribute__((visibility("hidden"))) result name parameters {                   \
    static const auto function = reinterpret_cast<result(*) parameters>(retort::real(#name)); \
    return function arguments;                                                                \
  }

// The one optional argument is a long, a pointer or a 64-bit offset: all of pointer size where we run.
static_assert(sizeof(long) == sizeof(void*) && sizeof(curl_off_t) == sizeof(void*));
#define RETORT_FORWARD_OPTION(result, name, handle_type, option_type)                                               \
  extern "C" __attribute__((visibility("hidden"))) result name(handle_type* handle, option_type option, ...) {      \
    static const auto function = reinterpret_cast<result (*)(handle_type*, option_type, ...)>(retort::real(#name)); \
    std::va_list rest;                                                                                              \
    va_start(rest, option);                                                                                         \
    void* value = va_arg(rest, void*);                                                                              \
    va_end(rest);                                                                                                   \
    return function(handle, option, value);                                                                         \
  }

RETORT_FORWARD(CURLcode, curl_global_init, (long flags), (flags))
RETORT_FORWARD(CURL*, curl_easy_init, (), ())
RETORT_FORWARD(void, curl_easy_cleanup, (CURL * easy), (easy))
RETORT_FORWARD(CURLcode, curl_easy_pause, (CURL * easy, int what), (easy, what))
RETORT_FORWARD(void, curl_easy_reset, (CURL * easy), (easy))
RETORT_FORWARD(const char*, curl_easy_strerror, (CURLcode code), (code))
RETORT_FORWARD_OPTION(CURLcode, curl_easy_setopt, CURL, CURLoption)
RETORT_FORWARD_OPTION(CURLcode, curl_easy_getinfo, CURL, CURLINFO)
RETORT_FORWARD(CURLM*, curl_multi_init, (), ())
RETORT_FORWARD(CURLMcode, curl_multi_cleanup, (CURLM * multi), (multi))
RETORT_FORWARD(CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL* easy), (multi, easy))
RETORT_FORWARD(CURLMcode, curl_multi_remove_handle, (CURLM * multi, CURL* easy), (multi, easy))
RETORT_FORWARD(CURLMsg*, curl_multi_info_read, (CURLM * multi, int* left), (multi, left))
RETORT_FORWARD(CURLMcode, curl_multi_socket_action, (CURLM * multi, curl_socket_t socket, int events, int* running),
               (multi, socket, events, running))
RETORT_FORWARD(CURLMcode, curl_multi_timeout, (CURLM * multi, long* milliseconds), (multi, milliseconds))
RETORT_FORWARD_OPTION(CURLMcode, curl_multi_setopt, CURLM, CURLMoption)
RETORT_FORWARD(CURLSH*, curl_share_init, (), ())
RETORT_FORWARD(CURLSHcode, curl_share_cleanup, (CURLSH * share), (share))
RETORT_FORWARD_OPTION(CURLSHcode, curl_share_setopt, CURLSH, CURLSHoption)
RETORT_FORWARD(curl_slist*, curl_slist_append, (curl_slist * list, const char* text), (list, text))
RETORT_FORWARD(void, curl_slist_free_all, (curl_slist * list), (list))
