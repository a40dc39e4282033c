// Debian's libtorch calls the system's BLAS for fp32 matrix products, by default the reference one at 3-4 GFLOP/s. The
// oneDNN it links anyway does over 100. The module is first in torch's search order, so this sgemm_ is the one it
// finds.
#include <oneapi/dnnl/dnnl.h>

extern "C" __attribute__((visibility("default"))) void sgemm_(const char* trans_a, const char* trans_b, const int* m,
                                                              const int* n, const int* k, const float* alpha,
                                                              const float* a, const int* lda, const float* b,
                                                              const int* ldb, const float* beta, float* c,
                                                              const int* ldc) {
  if (*m == 0 || *n == 0) return;
  // Fortran counts columns, oneDNN rows: C = A·B read that way is Cᵀ = Bᵀ·Aᵀ.
  dnnl_sgemm(*trans_b, *trans_a, *n, *m, *k, *alpha, b, *ldb, a, *lda, *beta, c, *ldc);
}
