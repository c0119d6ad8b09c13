#!/bin/sh
# The tests that depend on the CPU, as on other machines: what this one may use is taken away setting by setting.
# usage: tools/test_cpus.sh PYTHON [pytest options]; exit status: the number of settings in which a test failed.
python=$1; shift
cache=$(mktemp -d); trap 'rm -rf "$cache"' EXIT
failed=0
try() {
    name=$1; shift
    echo "== $name: $*"
    env "$@" "$python" -m pytest -q -m 'not long' $options tests/parity tests/inference tests/export || failed=$((failed + 1))
}
options=$*
try "as it is" GLMHA_COMPILED_STEPS=
try "AVX2 alone" ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 OPENBLAS_CORETYPE=Haswell \
    MKL_ENABLE_INSTRUCTIONS=AVX2
try "SSE alone" ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 OPENBLAS_CORETYPE=Nehalem MKL_ENABLE_INSTRUCTIONS=SSE4_2
try "one thread" OMP_NUM_THREADS=1
try "no compiler" CC=no-such-compiler XDG_CACHE_HOME="$cache"
try "compiled steps off" GLMHA_COMPILED_STEPS=off
echo "$failed of 6 settings failed"
exit $failed
