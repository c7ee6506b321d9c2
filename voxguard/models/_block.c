/* One residual block of the live network on one code of 20 ms: what is read are its weights, once.
 *
 * Optional: without it voxguard/models/network_live.py computes the same in numpy, which is also its
 * oracle. Weights are read as float16, as they are shipped: half of the bytes, and the same numbers.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <string.h>

#if !defined(__GNUC__) || !defined(__x86_64__)
#error "needs GCC or Clang on x86; voxguard works without this module"
#endif
#include <cpuid.h>
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,fma,f16c")))
#define LANES 8
#define MAX_WIDTH 1024
#define ROWS 4 /* of a matrix, side by side */
#define AHEAD 8 /* rows that are fetched before they are needed */
#define LINE 32 /* weights that are fetched at once */
#define EPSILON 1e-5f
#define LOG2_E 1.44269504f
#define LN_2_HIGH 0.693359375f
#define LN_2_LOW -2.12194440e-4f
#define LARGEST 87.0f /* of which the exponential is finite */

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4)));

TARGET static inline vec load(const float *from) { return *(const vec *)from; }

TARGET static inline vec load_half(const uint16_t *from)
{
    return (vec)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)from));
}

TARGET static inline float sum(vec x)
{
    float total = 0.0f;
    for (int l = 0; l < LANES; l++) total += x[l];
    return total;
}

/* x / (1 + exp(-x)): the exponential as Cephes has it. */
TARGET static inline vec silu(vec x)
{
    vec limit = (vec){0} + LARGEST;
    vec y = (vec)_mm256_min_ps(_mm256_max_ps((__m256)-x, (__m256)-limit), (__m256)limit);
    __m256 turns = _mm256_round_ps((__m256)(y * LOG2_E), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    vec r = y - (vec)turns * LN_2_HIGH - (vec)turns * LN_2_LOW;
    vec p = (vec){0} + 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    __m256i power = _mm256_slli_epi32(_mm256_cvtps_epi32(turns), 23);
    vec e = (vec)_mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256((__m256)p), power));
    return x / (1.0f + e);
}

/* to[o] = bias[o] + matrix[o] . x */
TARGET static void times(const uint16_t *matrix, const float *bias, const float *x, int in, int out,
                         float *to)
{
    for (int o = 0; o < out; o += ROWS) {
        const uint16_t *row = matrix + (size_t)o * in;
        vec a = {0}, b = {0}, c = {0}, d = {0};
        for (int i = 0; i < in; i += LANES) {
            for (int r = 0; i % LINE == 0 && r < ROWS; r++)
                _mm_prefetch((const char *)(row + (AHEAD + r) * in + i), _MM_HINT_T0);
            vec here = load(x + i);
            a += load_half(row + i) * here;
            b += load_half(row + in + i) * here;
            c += load_half(row + 2 * in + i) * here;
            d += load_half(row + 3 * in + i) * here;
        }
        to[o] = bias[o] + sum(a);
        to[o + 1] = bias[o + 1] + sum(b);
        to[o + 2] = bias[o + 2] + sum(c);
        to[o + 3] = bias[o + 3] + sum(d);
    }
}

typedef struct {
    const float *gain, *bias, *taps_bias, *mix_bias;
    const uint16_t *taps, *mix;
    int width, reach;
} Block;

/* Adds the block's branch to `x` (width), and takes what it heard into `past` (reach, width). */
TARGET static void step(const Block *block, float *x, float *past)
{
    float heard[3 * MAX_WIDTH], made[MAX_WIDTH];
    int width = block->width;
    size_t row = sizeof(float) * (size_t)width;
    vec power = {0};
    for (int i = 0; i < width; i += LANES) power += load(x + i) * load(x + i);
    float scale = 1.0f / __builtin_sqrtf(sum(power) / (float)width + EPSILON);
    float *newest = heard + 2 * width;
    for (int i = 0; i < width; i += LANES) {
        vec y = load(x + i) * scale * load(block->gain + i) + load(block->bias + i);
        *(vec *)(newest + i) = silu(y);
    }
    memcpy(heard, past, row);
    memcpy(heard + width, past + (size_t)(block->reach / 2) * width, row);
    memmove(past, past + width, row * (size_t)(block->reach - 1));
    memcpy(past + (size_t)(block->reach - 1) * width, newest, row);
    times(block->taps, block->taps_bias, heard, 3 * width, width, made);
    for (int i = 0; i < width; i += LANES) *(vec *)(made + i) = silu(load(made + i));
    times(block->mix, block->mix_bias, made, width, width, heard);
    for (int i = 0; i < width; i += LANES) *(vec *)(x + i) = load(x + i) + load(heard + i);
}

static PyObject *available(PyObject *self, PyObject *unused)
{
    unsigned a, b, c, d; /* older compilers know no __builtin_cpu_supports("f16c") */
    int halves = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
    __builtin_cpu_init();
    return PyBool_FromLong(halves && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
}

static PyObject *push(PyObject *self, PyObject *args)
{
    enum { X, PAST, GAIN, BIAS, TAPS, TAPS_BIAS, MIX, MIX_BIAS, COUNT };
    Py_buffer of[COUNT];
    if (!PyArg_ParseTuple(args, "w*w*y*y*y*y*y*y*", of, of + 1, of + 2, of + 3, of + 4, of + 5,
                          of + 6, of + 7))
        return NULL;
    Py_ssize_t row = of[GAIN].len, width = row / (Py_ssize_t)sizeof(float);
    PyObject *result = NULL;
    if (width < LANES || width > MAX_WIDTH || row != width * (Py_ssize_t)sizeof(float)
        || width % LANES || of[X].len % row || of[PAST].len % (2 * row) || !of[PAST].len
        || of[BIAS].len != row || of[TAPS_BIAS].len != row || of[MIX_BIAS].len != row
        || of[TAPS].len != 3 * width * width * (Py_ssize_t)sizeof(uint16_t)
        || of[MIX].len != width * width * (Py_ssize_t)sizeof(uint16_t)) {
        PyErr_SetString(PyExc_ValueError, "these do not make a block");
    } else {
        Block block = {of[GAIN].buf, of[BIAS].buf, of[TAPS_BIAS].buf, of[MIX_BIAS].buf,
                       of[TAPS].buf, of[MIX].buf, (int)width, (int)(of[PAST].len / row)};
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t k = 0; k < of[X].len / row; k++)
            step(&block, (float *)of[X].buf + k * width, of[PAST].buf);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    for (int k = 0; k < COUNT; k++) PyBuffer_Release(of + k);
    return result;
}

static PyMethodDef methods[] = {
    {"available", available, METH_NOARGS, "Whether this processor can run it."},
    {"push", push, METH_VARARGS,
     "push(x, past, gain, bias, taps, taps_bias, mix, mix_bias)\n\n"
     "Codes (k, width) through a block, in place, and the past (reach, width) that it needs; "
     "matrices (width, 3 width) and (width, width) in float16, all else float32."},
    {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_block", NULL, 0, methods,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__block(void)
{
    return PyModule_Create(&module);
}
