/* The compiled McAdams kernel: frames in SIMD lanes, the instruction set chosen at run time.
 *
 * Optional: without it voxguard computes the same in numpy (voxguard/dsp/mcadams.py, which is also
 * its oracle). A frame on which the root finder does not converge is left to numpy too.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__GNUC__)
#error "needs the vector extensions of GCC or Clang; voxguard works without this module"
#endif

#define MAX_LANES 8
#define MAX_ORDER 64
#define PI 3.14159265358979323846
#define EPSILON 1.1920928955078125e-07 /* of float32, as B2 adds it */
#define TRUSTED_ERROR 4e-10 /* of the fast Burg recursion, see lpc.py */
#define START_RADIUS 0.95
#define START_OFFSET 0.25
#define MAX_STEPS 45
#define TOLERANCE 1e-10
#define FAR_AWAY 1e30
#define REAL_POLE 1e-9
#define MAX_BURST 1.5

typedef struct {
    int frame, hop, order, sections, section_order, keep_level;
    double coefficient, stretch;
    double start_x[MAX_ORDER], start_y[MAX_ORDER]; /* where the search for roots sets out */
    const double *analysis, *synthesis, *floor;
} Plan;

static double warp_angle(double angle, const Plan *plan)
{
    double scaled = angle * plan->stretch;
    if (scaled <= PI) return pow(scaled, plan->coefficient) / plan->stretch;
    double top = pow(PI, plan->coefficient);
    return PI - (PI - angle) * (PI * plan->stretch - top) / (PI * plan->stretch - PI);
}

#if defined(__x86_64__)
#define LANES 8
#define FN(name) name##_avx512
#define TARGET __attribute__((target("avx2,fma,avx512f,avx512dq,avx512vl")))
#include "_lanes.h"

#define LANES 4
#define FN(name) name##_avx2
#define TARGET __attribute__((target("avx2,fma")))
#include "_lanes.h"

#define LANES 2
#define FN(name) name##_sse4
#define TARGET __attribute__((target("sse4.2")))
#include "_lanes.h"
#else
#define LANES 2
#define FN(name) name##_portable
#define TARGET
#include "_lanes.h"
#endif

typedef void Block(const float *, int, const Plan *, double *, double *, unsigned char *);

typedef struct {
    const char *name;
    int lanes;
    Block *block;
} Version;

static const Version versions[] = {
#if defined(__x86_64__)
    {"avx512", 8, block_avx512},
    {"avx2", 4, block_avx2},
    {"sse4", 2, block_sse4},
#else
    {"portable", 2, block_portable},
#endif
};

static int supported(const char *name)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (!strcmp(name, "avx2")) return avx2;
    if (!strcmp(name, "avx512"))
        return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
               && __builtin_cpu_supports("avx512vl");
    return __builtin_cpu_supports("sse4.2");
#else
    return 1;
#endif
}

static const Version *find(const char *name)
{
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if (!strcmp(name, versions[i].name) && supported(name)) return versions + i;
    return NULL;
}

static PyObject *available(PyObject *self, PyObject *unused)
{
    PyObject *names = PyList_New(0);
    for (size_t i = 0; names && i < sizeof versions / sizeof *versions; i++) {
        if (!supported(versions[i].name)) continue;
        PyObject *name = PyUnicode_FromString(versions[i].name);
        if (!name || PyList_Append(names, name)) Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

static PyObject *overlap_add(PyObject *self, PyObject *args)
{
    const char *name;
    Py_buffer samples, analysis, synthesis, floor, out, unsolved;
    Plan plan;
    PyObject *result = NULL;
    void *memory = NULL;
    if (!PyArg_ParseTuple(args, "sy*y*y*y*iiiiddpw*w*", &name, &samples, &analysis, &synthesis,
                          &floor, &plan.hop, &plan.order, &plan.sections, &plan.section_order,
                          &plan.coefficient, &plan.stretch, &plan.keep_level, &out, &unsolved))
        return NULL;
    const Version *version = find(name);
    Py_ssize_t length = samples.len / (Py_ssize_t)sizeof(float), frames = unsolved.len;
    plan.frame = (int)(analysis.len / (Py_ssize_t)sizeof(double));
    plan.analysis = analysis.buf;
    plan.synthesis = synthesis.buf;
    plan.floor = floor.buf;
    /* two arrays with `order` zeros before each, two without, and a register to align them */
    size_t rows = 2 * (size_t)plan.order + 4 * (size_t)plan.frame + 1;
    size_t align = MAX_LANES * sizeof(double);
    if (!version || plan.order < 4 || plan.order > MAX_ORDER || plan.frame <= plan.order + 4
        || plan.sections < 1 || plan.section_order < 3 || plan.section_order > plan.order
        || plan.sections > 2 * MAX_ORDER / (plan.section_order + 1)) {
        PyErr_SetString(PyExc_ValueError, "no such kernel here, or order or frame out of range");
    } else if (plan.hop < 1 || frames < 1 || synthesis.len != analysis.len
               || floor.len != analysis.len
               || length < plan.frame || frames - 1 > (length - plan.frame) / plan.hop
               || out.len != length * (Py_ssize_t)sizeof(double)) {
        PyErr_SetString(PyExc_ValueError, "the frames do not fit the samples");
    } else if (!(memory = calloc(rows, align))) {
        PyErr_NoMemory();
    } else {
        for (int i = 0; i < plan.order; i++) {
            double angle = 2.0 * PI * (i + START_OFFSET) / plan.order;
            plan.start_x[i] = START_RADIUS * cos(angle);
            plan.start_y[i] = START_RADIUS * sin(angle);
        }
        double *work = (double *)(((uintptr_t)memory + align - 1) / align * align);
        const float *from = samples.buf;
        double *to = out.buf;
        unsigned char *flags = unsolved.buf;
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t first = 0; first < frames; first += version->lanes) {
            Py_ssize_t start = first * plan.hop, left = frames - first;
            int used = left < version->lanes ? (int)left : version->lanes;
            version->block(from + start, used, &plan, work, to + start, flags + first);
        }
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    free(memory);
    PyBuffer_Release(&samples);
    PyBuffer_Release(&analysis);
    PyBuffer_Release(&synthesis);
    PyBuffer_Release(&floor);
    PyBuffer_Release(&out);
    PyBuffer_Release(&unsolved);
    return result;
}

static PyMethodDef methods[] = {
    {"available", available, METH_NOARGS, "Names of the kernels that this processor can run."},
    {"overlap_add", overlap_add, METH_VARARGS,
     "overlap_add(kernel, samples, analysis, synthesis, floor, hop, order, sections, section_order, "
     "coefficient, stretch, keep_level, out, unsolved)\n\n"
     "Adds the rendered frames of float32 samples to float64 out; flags those left undone."},
    {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_kernel", NULL, 0, methods,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernel(void)
{
    return PyModule_Create(&module);
}
