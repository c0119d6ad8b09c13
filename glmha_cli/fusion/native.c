/* Steps of a block for which PyTorch needs several passes over memory, in one each; `native.py` compiles and calls them.
 *
 * Maps are rows of one image, channels last, in one of three formats, computed in float32. A step is the distance from a
 * pixel to the next in numbers, so that maps may be some channels of wider ones. LANES channels are one vector; the last
 * one of a pixel may be part of one. `threads` share the rows.
 *
 * The first part says what a vector is: AVX-512, AVX2 with FMA and F16C, or four numbers in plain C, which a compiler
 * makes NEON (or SSE2) of. Vectors are added and multiplied by the operators of GCC's and Clang's vector types.
 */
#include <stddef.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define ABREAST 4 /* pixels of a row computed together, as their windows overlap */
enum { FLOAT, HALF, BRAIN }; /* float32, float16, bfloat16 */

#if defined(__AVX512F__)

#include <immintrin.h>
#define LANES 16
#define FREE_MASKS 1 /* a part of a vector costs no more than all of it */
typedef __m512 vec;
typedef __mmask16 mask;

INLINE mask lanes(ptrdiff_t left) { return left >= LANES ? 0xffff : (mask)((1u << left) - 1); }
INLINE vec all(float value) { return _mm512_set1_ps(value); }
INLINE vec fma_of(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
INLINE vec least(vec a, vec b) { return _mm512_min_ps(a, b); }
INLINE vec most(vec a, vec b) { return _mm512_max_ps(a, b); }
INLINE vec only(vec value, mask used) { return _mm512_maskz_mov_ps(used, value); }
INLINE float sum_of(vec value) { return _mm512_reduce_add_ps(value); }
INLINE vec load_float(const float *from, mask used) { return _mm512_maskz_loadu_ps(used, from); }
INLINE void store_float(float *to, mask used, vec value) { _mm512_mask_storeu_ps(to, used, value); }

typedef __m256i short_vec;
INLINE short_vec load_short(const short *from, mask used) { return _mm256_maskz_loadu_epi16(used, from); }
INLINE void store_short(short *to, mask used, short_vec value) { _mm256_mask_storeu_epi16(to, used, value); }
INLINE vec from_half(short_vec value) { return _mm512_cvtph_ps(value); }
INLINE short_vec to_half(vec value) { return _mm512_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT); }

#else

#define FREE_MASKS 0
typedef ptrdiff_t mask; /* how many of the first lanes are used */

#if defined(__AVX2__)

#include <immintrin.h>
#define LANES 8
typedef __m256 vec;
typedef short short_vec __attribute__((vector_size(16)));

INLINE vec all(float value) { return _mm256_set1_ps(value); }
INLINE vec fma_of(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
INLINE vec least(vec a, vec b) { return _mm256_min_ps(a, b); }
INLINE vec most(vec a, vec b) { return _mm256_max_ps(a, b); }
INLINE vec from_half(short_vec value) { return _mm256_cvtph_ps((__m128i)value); }
INLINE short_vec to_half(vec value) { return (short_vec)_mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT); }

#else

#define LANES 4
typedef float vec __attribute__((vector_size(16)));
typedef int bits __attribute__((vector_size(16)));
typedef short short_vec __attribute__((vector_size(8)));
typedef _Float16 half_vec __attribute__((vector_size(8)));

INLINE vec all(float value) { return (vec){value, value, value, value}; }
INLINE vec fma_of(vec a, vec b, vec c) { return a * b + c; }
INLINE vec least(vec a, vec b)
{
    bits less = a < b; /* all bits of a lane, or none */
    return (vec)((less & (bits)a) | (~less & (bits)b));
}

INLINE vec most(vec a, vec b) { return -least(-a, -b); }
INLINE vec from_half(short_vec value) { return __builtin_convertvector((half_vec)value, vec); }
INLINE short_vec to_half(vec value) { return (short_vec)__builtin_convertvector(value, half_vec); }

#endif

INLINE mask lanes(ptrdiff_t left) { return left >= LANES ? LANES : left; }

INLINE float sum_of(vec value)
{
    float sum = 0;
    for (int i = 0; i < LANES; i++)
        sum += value[i];
    return sum;
}

INLINE vec load_float(const float *from, mask used)
{
    vec value = all(0);
    if (used == LANES)
        memcpy(&value, from, sizeof value);
    else
        memcpy(&value, from, used * sizeof *from);
    return value;
}

INLINE void store_float(float *to, mask used, vec value)
{
    if (used == LANES)
        memcpy(to, &value, sizeof value);
    else
        memcpy(to, &value, used * sizeof *to);
}

INLINE vec only(vec value, mask used) { return used == LANES ? value : load_float((const float *)&value, used); }

INLINE short_vec load_short(const short *from, mask used)
{
    short_vec value = {0};
    if (used == LANES)
        memcpy(&value, from, sizeof value);
    else
        memcpy(&value, from, used * sizeof *from);
    return value;
}

INLINE void store_short(short *to, mask used, short_vec value) { memcpy(to, &value, used * sizeof *to); }

#endif

typedef unsigned int words __attribute__((vector_size(4 * LANES)));
typedef unsigned short upper __attribute__((vector_size(2 * LANES)));

/* bfloat16 is the upper half of a float32. */
INLINE vec from_brain(short_vec value) { return (vec)(__builtin_convertvector((upper)value, words) << 16); }

INLINE short_vec to_brain(vec value)
{
#ifdef __AVX512BF16__
    return (short_vec)_mm512_cvtneps_pbh(value);
#else
    words nan = (words)(value != value), bits = (words)value;
    words rounded = bits + 0x7fff + (bits >> 16 & 1); /* to the nearest, ties to even */
    return (short_vec)__builtin_convertvector(((rounded & ~nan) | (nan & 0x7fc00000)) >> 16, upper);
#endif
}

INLINE vec load(const void *from, ptrdiff_t at, mask used, int format)
{
    if (format == FLOAT)
        return load_float((const float *)from + at, used);
    short_vec value = load_short((const short *)from + at, used);
    return format == HALF ? from_half(value) : from_brain(value);
}

INLINE void store(void *to, ptrdiff_t at, mask used, int format, vec value)
{
    if (format == FLOAT)
        store_float((float *)to + at, used, value);
    else
        store_short((short *)to + at, used, format == HALF ? to_half(value) : to_brain(value));
}

/* x Phi(x) within 1.5e-6 and 1e-7 of x. Phi(z) - 1/2 = z p(z^2), a polynomial fitted on [-5.25, 5.25]; beyond, Phi is 0 or 1. */
INLINE vec gelu(vec x)
{
    static const float p[] = {1.346592903e-01f, -6.712634116e-02f, 4.965047538e-02f, -3.978210315e-02f, 3.196798265e-02f,
                              -2.484251373e-02f, 1.882922649e-02f, -1.365345065e-02f, 7.904334925e-03f, -3.622003831e-03f,
                              3.094956046e-03f, -2.821801696e-03f, 9.800549597e-04f};
    const float end = 5.25f;
    vec z = most(least(x, all(end)), all(-end));
    vec t = fma_of(z * z, all(2 / (end * end)), all(-1));
    vec sum = all(p[12]);
#pragma GCC unroll 12
    for (int i = 11; i >= 0; i--)
        sum = fma_of(sum, t, all(p[i]));
    return x * fma_of(z, sum, all(0.5f));
}

/* x += change, unless change is NULL; then normed = LayerNorm(x), unless normed is NULL. x is float32.
 * Only the first `channels` of each `step` count; the others are zeros, of weight and bias too. */
INLINE void update_pixel(float *x, const void *change, const float *weight, const float *bias, void *normed,
                         ptrdiff_t pixel, ptrdiff_t channels, ptrdiff_t step, int format)
{
    ptrdiff_t first = pixel * step;
    float *row = x + first;
    vec sums = all(0), squares = all(0);
    for (ptrdiff_t c = 0; c < step; c += LANES) {
        mask used = lanes(step - c);
        vec value = load_float(row + c, used);
        if (change) {
            value += load(change, first + c, used, format);
            store_float(row + c, used, value);
        }
        sums += value;
    }
    if (!normed)
        return;
    vec mean = all(sum_of(sums) / channels);
    for (ptrdiff_t c = 0; c < channels; c += LANES) {
        mask used = lanes(channels - c);
        vec centred = only(load_float(row + c, used) - mean, used);
        squares += centred * centred;
    }
    vec scale = all(1 / __builtin_sqrtf(sum_of(squares) / channels + 1e-5f));
    for (ptrdiff_t c = 0; c < step; c += LANES) {
        mask used = lanes(step - c);
        vec value = (load_float(row + c, used) - mean) * scale;
        store(normed, first + c, used, format, value * load_float(weight + c, used) + load_float(bias + c, used));
    }
}

/* `num` neighbouring outputs of a zero-padded depth-wise 3x3. A column is read once for all outputs that it touches. */
INLINE void outputs(vec *out, int num, const void *in, ptrdiff_t top, ptrdiff_t x, ptrdiff_t width, ptrdiff_t step,
                    const float *taps, ptrdiff_t channels, mask used, int format)
{
    for (int i = 0; i < num; i++)
        out[i] = all(0);
#pragma GCC unroll 3
    for (int row = 0; row < 3; row++) {
        const float *tap = taps + 3 * row * channels;
        vec left = load_float(tap, used), middle = load_float(tap + channels, used), right = load_float(tap + 2 * channels, used);
#pragma GCC unroll 6
        for (int i = -1; i <= num; i++) {
            if (i < 0 ? x == 0 : i == num && x + num == width)
                continue;
            vec value = load(in, top + (row * width + x + i) * step, used, format);
            if (i > 0)
                out[i - 1] = fma_of(value, right, out[i - 1]);
            if (i >= 0 && i < num)
                out[i] = fma_of(value, middle, out[i]);
            if (i + 1 < num)
                out[i + 1] = fma_of(value, left, out[i + 1]);
        }
    }
}

struct convolution {
    const void *in; /* (rows + 2, width, channels) */
    ptrdiff_t step;
    const float *taps; /* (9, channels) */
};
#define NO_GATE ((struct convolution){NULL, 0, NULL})

/* Channels c to c + LANES, or those `used`, of what `some` does. */
INLINE void part(struct convolution a, struct convolution b, int gelu_a, void *out, ptrdiff_t out_step, ptrdiff_t y,
                 ptrdiff_t x, ptrdiff_t width, ptrdiff_t channels, int num, int format, ptrdiff_t c, mask used)
{
    vec of_a[ABREAST], of_b[ABREAST];
    outputs(of_a, num, a.in, y * width * a.step + c, x, width, a.step, a.taps + c, channels, used, format);
    if (b.in)
        outputs(of_b, num, b.in, y * width * b.step + c, x, width, b.step, b.taps + c, channels, used, format);
    for (int i = 0; i < num; i++) {
        vec value = gelu_a ? gelu(of_a[i]) : of_a[i];
        if (b.in)
            value *= of_b[i];
        store(out, (y * width + x + i) * out_step + c, used, format, value);
    }
}

#if !FREE_MASKS
/* The last channels: compiled once, as it is long and seldom used. */
static __attribute__((noinline)) void rest(struct convolution a, struct convolution b, int gelu_a, void *out,
                                           ptrdiff_t out_step, ptrdiff_t y, ptrdiff_t x, ptrdiff_t width,
                                           ptrdiff_t channels, int num, int format, ptrdiff_t c)
{
    for (int i = 0; i < num; i++)
        part(a, b, gelu_a, out, out_step, y, x + i, width, channels, 1, format, c, lanes(channels - c));
}
#endif

/* out = conv(a), GELU(conv(a)) where gelu_a, times conv(b) unless b.in is NULL; `num` pixels from x on. */
INLINE void some(struct convolution a, struct convolution b, int gelu_a, void *out, ptrdiff_t out_step, ptrdiff_t y,
                 ptrdiff_t x, ptrdiff_t width, ptrdiff_t channels, int num, int format)
{
#if FREE_MASKS
    for (ptrdiff_t c = 0; c < channels; c += LANES)
        part(a, b, gelu_a, out, out_step, y, x, width, channels, num, format, c, lanes(channels - c));
#else
    ptrdiff_t c = 0;
    for (; c + LANES <= channels; c += LANES)
        part(a, b, gelu_a, out, out_step, y, x, width, channels, num, format, c, LANES);
    if (c < channels)
        rest(a, b, gelu_a, out, out_step, y, x, width, channels, num, format, c);
#endif
}

INLINE void row(struct convolution a, struct convolution b, int gelu_a, void *out, ptrdiff_t out_step, ptrdiff_t y,
                ptrdiff_t width, ptrdiff_t channels, int format)
{
    ptrdiff_t x = 0;
    for (; x + ABREAST <= width; x += ABREAST)
        some(a, b, gelu_a, out, out_step, y, x, width, channels, ABREAST, format);
    for (; x < width; x++)
        some(a, b, gelu_a, out, out_step, y, x, width, channels, 1, format);
}

/* What is called. The loop stands where the format is known: its body is compiled for each. */
#define IN_PARALLEL(count, body) \
    _Pragma("omp parallel for num_threads(threads)") for (ptrdiff_t i = 0; i < (count); i++) { body; }
#define FOR_EACH(count, body) \
    if (format == FLOAT) { enum { MAPS = FLOAT }; IN_PARALLEL(count, body) } \
    else if (format == HALF) { enum { MAPS = HALF }; IN_PARALLEL(count, body) } \
    else { enum { MAPS = BRAIN }; IN_PARALLEL(count, body) }

void update(float *x, const void *change, const float *weight, const float *bias, void *normed, ptrdiff_t pixels,
            ptrdiff_t channels, ptrdiff_t step, int format, int threads)
{
    FOR_EACH(pixels, update_pixel(x, change, weight, bias, normed, i, channels, step, MAPS))
}

void activate(void *x, ptrdiff_t numbers, int format, int threads)
{
    FOR_EACH((numbers + LANES - 1) / LANES, mask used = lanes(numbers - i * LANES);
             store(x, i * LANES, used, MAPS, gelu(load(x, i * LANES, used, MAPS))))
}

void depthwise(const void *in, ptrdiff_t step, const float *taps, int with_gelu, void *out, ptrdiff_t out_step,
               ptrdiff_t rows, ptrdiff_t width, ptrdiff_t channels, int format, int threads)
{
    const struct convolution a = {in, step, taps};
    if (with_gelu) {
        FOR_EACH(rows, row(a, NO_GATE, 1, out, out_step, i, width, channels, MAPS))
    } else {
        FOR_EACH(rows, row(a, NO_GATE, 0, out, out_step, i, width, channels, MAPS))
    }
}

void gated(const void *in_a, const void *in_b, const float *taps_a, const float *taps_b, void *out, ptrdiff_t rows,
           ptrdiff_t width, ptrdiff_t channels, int format, int threads)
{
    const struct convolution a = {in_a, channels, taps_a}, b = {in_b, channels, taps_b};
    FOR_EACH(rows, row(a, b, 1, out, channels, i, width, channels, MAPS))
}
