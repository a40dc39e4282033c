// Debian's libtorch calls the system's BLAS for fp32 matrix products, by default the reference one at 3-4 GFLOP/s. The
// oneDNN it links anyway does over 100. The module is first in torch's search order, so this sgemm_ is the one it
// finds.
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>

#include <cstdint>

namespace {

// Below so many multiplications waking a second thread costs more than it saves: attention is hundreds of such
// products.
constexpr std::int64_t kWorthThreads = 2'000'000;

// The calling thread's own setting: other threads and later calls do not see it.
class OneThread {
 public:
  explicit OneThread(bool wanted) : before_(wanted ? omp_get_max_threads() : 0) {
    if (wanted) omp_set_num_threads(1);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;
  ~OneThread() {
    if (before_ > 0) omp_set_num_threads(before_);
  }

 private:
  int before_;
};

}  // namespace

extern "C" __attribute__((visibility("default"))) void sgemm_(const char* trans_a, const char* trans_b, const int* m,
                                                              const int* n, const int* k, const float* alpha,
                                                              const float* a, const int* lda, const float* b,
                                                              const int* ldb, const float* beta, float* c,
                                                              const int* ldc) {
  if (*m == 0 || *n == 0) return;
  const OneThread small(std::int64_t{*m} * *n * *k < kWorthThreads);
  // Fortran counts columns, oneDNN rows: C = A·B read that way is Cᵀ = Bᵀ·Aᵀ.
  dnnl_sgemm(*trans_b, *trans_a, *n, *m, *k, *alpha, b, *ldb, a, *lda, *beta, c, *ldc);
}
