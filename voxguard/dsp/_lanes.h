/* McAdams rendering of LANES frames side by side, one frame a lane.
 *
 * A template: _kernel.c includes it once for each instruction set, with LANES (doubles in one
 * register), TARGET (a function attribute) and FN(name) (which gives each copy names of its own).
 * Every function must bear TARGET, or the compiler splits the vectors into those of the baseline.
 *
 * Lanes never mix, and a lane that has converged is frozen, so that a frame gives the same bits
 * whichever frames lie beside it. voxguard/dsp/mcadams.py is the same algorithm in numpy.
 */

#define vec FN(vec)
#define lanes FN(lanes)
typedef double vec __attribute__((vector_size(LANES * sizeof(double))));
typedef long long lanes __attribute__((vector_size(LANES * sizeof(long long))));

TARGET static inline vec FN(select)(lanes mask, vec yes, vec no)
{
    return (vec)((mask & (lanes)yes) | (~mask & (lanes)no));
}

TARGET static inline int FN(any)(lanes mask)
{
    long long found = 0;
    for (int l = 0; l < LANES; l++) found |= mask[l];
    return found != 0;
}

/* Burg by the plain recursion; `f` and `b` are (n) scratch. */
TARGET static void FN(plain_burg)(const vec *x, int n, int order, vec *a, vec *f, vec *b)
{
    a[0] = (vec){0} + 1.0;
    for (int i = 0; i + 1 < n; i++) { f[i] = x[i + 1]; b[i] = x[i]; }
    for (int m = 0; m < order; m++) {
        vec cross = {0}, energy = {0};
        int length = n - 1 - m;
        for (int i = 0; i < length; i++) {
            cross += f[i] * b[i];
            energy += f[i] * f[i] + b[i] * b[i];
        }
        lanes some = energy > DBL_MIN; /* else nothing is left to predict: 0, not 0/0 */
        vec k = FN(select)(some, -2.0 * cross / energy, (vec){0});
        a[m + 1] = (vec){0};
        for (int i = 0, j = m + 1; i <= j; i++, j--) {
            vec low = a[i], high = a[j];
            a[i] = low + k * high;
            a[j] = high + k * low;
        }
        for (int i = 0; i < length; i++) {
            vec fi = f[i], bi = b[i];
            if (i) f[i - 1] = fi + k * bi;
            b[i] = bi + k * fi;
        }
    }
}

/* Burg by the recursion of Vos (2013); gives the lanes in which it can be trusted. */
TARGET static lanes FN(fast_burg)(const vec *x, int n, int order, vec *a)
{
    vec lag[MAX_ORDER + 4], row[MAX_ORDER + 2], g[MAX_ORDER + 2];
    for (int k = 0; k <= order; k += 4) {
        vec s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
        for (int i = k + 3; i < n; i++) {
            s0 += x[i] * x[i - k];
            s1 += x[i] * x[i - k - 1];
            s2 += x[i] * x[i - k - 2];
            s3 += x[i] * x[i - k - 3];
        }
        for (int i = k; i < k + 3; i++) {
            s0 += x[i] * x[i - k];
            if (i > k) s1 += x[i] * x[i - k - 1];
            if (i > k + 1) s2 += x[i] * x[i - k - 2];
        }
        lag[k] = s0; lag[k + 1] = s1; lag[k + 2] = s2; lag[k + 3] = s3;
    }
    vec residual = {0}, k = {0}, sum = {0};
    lanes trusted = ~(lanes){0};
    a[0] = (vec){0} + 1.0;
    row[0] = 2.0 * lag[0] - x[0] * x[0] - x[n - 1] * x[n - 1];
    row[1] = 2.0 * lag[1];
    g[0] = row[0]; g[1] = row[1];
    for (int m = 0; m < order; m++) {
        vec cross = {0};
        residual = (vec){0};
        for (int i = 0; i <= m; i++) {
            residual += a[i] * g[i];
            cross += a[i] * g[m + 1 - i];
        }
        k = -cross / residual;
        trusted &= residual > 0.0;
        a[m + 1] = (vec){0};
        for (int i = 0, j = m + 1; i <= j; i++, j--) {
            vec low = a[i], high = a[j];
            a[i] = low + k * high;
            a[j] = high + k * low;
        }
        if (m + 1 == order) break;
        vec first = x[m + 1], last = x[n - m - 2], dot_first = {0}, dot_last = {0}, dot_row = {0};
        row[m + 2] = 2.0 * lag[m + 2];
        for (int i = 0; i <= m + 1; i++) {
            vec u = x[m + 1 - i], v = x[n - m - 2 + i];
            row[i] -= u * first + v * last;
            dot_first += u * a[i];
            dot_last += v * a[i];
        }
        for (int i = 0; i <= m + 1; i++) dot_row += row[m + 2 - i] * a[i];
        for (int i = 0, j = m + 1; i <= j; i++, j--) {
            vec low = g[i], high = g[j];
            g[i] = low + k * high;
            g[j] = high + k * low;
        }
        for (int i = 0; i <= m + 1; i++)
            g[i] -= x[m + 1 - i] * dot_first + x[n - m - 2 + i] * dot_last;
        g[m + 2] = dot_row;
    }
    for (int i = 0; i <= order; i++) sum += FN(select)(a[i] < 0.0, -a[i], a[i]);
    return trusted
           & (DBL_EPSILON * 2.0 * lag[0] * sum * sum < TRUSTED_ERROR * residual * (1.0 - k * k));
}

/* p / p' by dividing p twice by the real quadratic z^2 - s z + t that vanishes at z = x + iy. */
TARGET static inline void FN(newton)(const vec *a, int order, vec x, vec y, vec *nx, vec *ny)
{
    vec s = 2.0 * x, t = x * x + y * y, b1 = {0}, b = a[0], c1 = {0}, c = {0};
    for (int k = 1; k < order; k++) {
        vec c0 = b - t * c1 + s * c, b0 = a[k] - t * b1 + s * b;
        c1 = c; c = c0;
        b1 = b; b = b0;
    }
    vec px = a[order] - t * b1 + x * b, py = y * b;
    vec qx = b - 2.0 * y * y * c1, qy = 2.0 * y * (c - x * c1);
    vec scale = 1.0 / (qx * qx + qy * qy);
    *nx = (px * qx + py * qy) * scale;
    *ny = (py * qx - px * qy) * scale;
}

/* The sum of 1 / (z - z_j) over `count` roots, a multiple of four: four at a time, as division is
 * dear. */
TARGET static inline void FN(repulsion)(vec zx, vec zy, const vec *x, const vec *y, int count,
                                        vec *sx, vec *sy)
{
    *sx = *sy = (vec){0};
    for (int j = 0; j < count; j += 4) {
        vec dx[4], dy[4], d[4];
        for (int e = 0; e < 4; e++) {
            dx[e] = zx - x[j + e];
            dy[e] = zy - y[j + e];
            d[e] = dx[e] * dx[e] + dy[e] * dy[e];
        }
        vec d01 = d[0] * d[1], d23 = d[2] * d[3], inverse = 1.0 / (d01 * d23);
        vec inverse01 = inverse * d23, inverse23 = inverse * d01;
        *sx += (dx[0] * d[1] + dx[1] * d[0]) * inverse01 + (dx[2] * d[3] + dx[3] * d[2]) * inverse23;
        *sy -= (dy[0] * d[1] + dy[1] * d[0]) * inverse01 + (dy[2] * d[3] + dy[3] * d[2]) * inverse23;
    }
}

/* Roots of the monic polynomials `a` by Ehrlich and Aberth; gives the lanes that are done. */
TARGET static lanes FN(roots)(const vec *a, const Plan *plan, lanes done, vec *x, vec *y)
{
    const int order = plan->order, count = (order + 3) / 4 * 4;
    const vec far = (vec){0} + FAR_AWAY; /* where a root adds nothing to the repulsion */
    lanes settled[MAX_ORDER]; /* a root that has stopped moving stays: the others move on alone */
    for (int i = 0; i < order; i++) {
        x[i] = (vec){0} + plan->start_x[i];
        y[i] = (vec){0} + plan->start_y[i];
        settled[i] = done;
    }
    for (int i = order; i < count; i++) x[i] = y[i] = far;
    for (int step = 0; step < MAX_STEPS; step++) {
        done = ~(lanes){0};
        for (int i = 0; i < order; i++) {
            if (!FN(any)(~settled[i])) continue;
            vec zx = x[i], zy = y[i], nx, ny, sx, sy;
            FN(newton)(a, order, zx, zy, &nx, &ny);
            x[i] = far;
            FN(repulsion)(zx, zy, x, y, count, &sx, &sy);
            vec wx = 1.0 - (nx * sx - ny * sy), wy = -(nx * sy + ny * sx);
            vec scale = 1.0 / (wx * wx + wy * wy);
            vec mx = (nx * wx + ny * wy) * scale, my = (ny * wx - nx * wy) * scale;
            x[i] = FN(select)(settled[i], zx, zx - mx);
            y[i] = FN(select)(settled[i], zy, zy - my);
            settled[i] |= mx * mx + my * my < TOLERANCE * TOLERANCE; /* never true of NaN */
            done &= settled[i];
        }
        if (!FN(any)(~done)) break;
    }
    return done;
}

/* A'(z), as a product of sections: the complex poles of 1/A(z) with their angles raised to a power. */
TARGET static void FN(warp)(const vec *x, const vec *y, const Plan *plan, vec *warped)
{
    const int size = plan->section_order + 1;
    int pairs[LANES] = {0}, reals[LANES] = {0};
    for (int g = 0; g < plan->sections; g++)
        for (int k = 0; k < size; k++) warped[g * size + k] = (vec){0} + (double)(k == 0);
    for (int i = 0; i < plan->order; i++) {
        vec b = {0}, c = {0}; /* the factor 1 + b/z + c/z^2 of a conjugate pair or a real pole */
        int section[LANES];
        for (int l = 0; l < LANES; l++) {
            double re = x[i][l], im = y[i][l];
            section[l] = 0;
            if (im > REAL_POLE) {
                double angle = warp_angle(atan2(im, re), plan);
                c[l] = re * re + im * im;
                b[l] = -2.0 * sqrt(c[l]) * cos(angle);
                section[l] = pairs[l]++ % plan->sections;
            } else if (im >= -REAL_POLE) {
                b[l] = -re;
                section[l] = reals[l]++ % plan->sections;
            }
        }
        for (int g = 0; g < plan->sections; g++) {
            vec bg = b, cg = c, *w = warped + g * size;
            for (int l = 0; l < LANES && plan->sections > 1; l++)
                if (section[l] != g) bg[l] = cg[l] = 0.0;
            for (int k = size - 1; k >= 2; k--) w[k] += bg * w[k - 1] + cg * w[k - 2];
            w[1] += bg;
        }
    }
}

/* A and A' of windowed frames (n), but for lanes that are idle; `scratch` is (2 n). Gives the lanes
 * that are solved. */
TARGET static lanes FN(analyse)(const vec *frame, const Plan *plan, lanes idle, vec *a,
                                vec *warped, vec *scratch)
{
    const int n = plan->frame, order = plan->order;
    vec x[MAX_ORDER + 3], y[MAX_ORDER + 3];
    lanes trusted = FN(fast_burg)(frame, n, order, a) | idle;
    if (FN(any)(~trusted)) {
        vec safe[MAX_ORDER + 1];
        FN(plain_burg)(frame, n, order, safe, scratch, scratch + n);
        for (int k = 0; k <= order; k++) a[k] = FN(select)(trusted, a[k], safe[k]);
    }
    lanes solved = FN(roots)(a, plan, idle, x, y);
    FN(warp)(x, y, plan, warped);
    return solved;
}

/* y = A x from rest; x is preceded by `order` rows of zeros. Four outputs share a coefficient. */
TARGET static void FN(residual)(const vec *x, int n, int order, const vec *a, vec *y)
{
    int i = 0;
    for (; i + 4 <= n; i += 4) {
        vec r0 = x[i], r1 = x[i + 1], r2 = x[i + 2], r3 = x[i + 3];
        for (int k = 1; k <= order; k++) {
            r0 += a[k] * x[i - k];
            r1 += a[k] * x[i + 1 - k];
            r2 += a[k] * x[i + 2 - k];
            r3 += a[k] * x[i + 3 - k];
        }
        y[i] = r0; y[i + 1] = r1; y[i + 2] = r2; y[i + 3] = r3;
    }
    for (; i < n; i++) {
        y[i] = x[i];
        for (int k = 1; k <= order; k++) y[i] += a[k] * x[i - k];
    }
}

/* y = y / w from rest, in place; y is preceded by `order` rows of zeros, order at least 3. */
TARGET static void FN(resonate)(vec *y, int n, int order, const vec *w)
{
    int i = 0;
    for (; i + 4 <= n; i += 4) {
        vec r0 = y[i], r1 = y[i + 1], r2 = y[i + 2], r3 = y[i + 3];
        for (int k = 4; k <= order; k++) { /* what needs none of these four */
            r0 -= w[k] * y[i - k];
            r1 -= w[k] * y[i + 1 - k];
            r2 -= w[k] * y[i + 2 - k];
            r3 -= w[k] * y[i + 3 - k];
        }
        r0 -= w[1] * y[i - 1] + w[2] * y[i - 2] + w[3] * y[i - 3];
        r1 -= w[1] * r0 + w[2] * y[i - 1] + w[3] * y[i - 2];
        r2 -= w[1] * r1 + w[2] * r0 + w[3] * y[i - 1];
        r3 -= w[1] * r2 + w[2] * r1 + w[3] * r0;
        y[i] = r0; y[i + 1] = r1; y[i + 2] = r2; y[i + 3] = r3;
    }
    for (; i < n; i++)
        for (int k = 1; k <= order; k++) y[i] -= w[k] * y[i - k];
}

/* Renders up to LANES frames that start `hop` apart, and adds them to `out`. */
TARGET static void FN(block)(const float *samples, int used, const Plan *plan, double *memory,
                             double *out, unsigned char *unsolved)
{
    const int n = plan->frame, order = plan->order, size = plan->section_order + 1;
    vec a[MAX_ORDER + 1], warped[2 * MAX_ORDER];
    vec *x = (vec *)memory + order, *y = x + n + order, *scratch = y + n; /* zeros before x and y */
    vec wanted = {0}, got = {0}, loudest = {0}, peak = {0};
    for (int i = 0; i < n; i++) {
        vec original;
        for (int l = 0; l < LANES; l++) original[l] = samples[(l < used ? l : 0) * plan->hop + i];
        vec weighted = original * plan->analysis[i], part = weighted * plan->synthesis[i];
        part = FN(select)(part < 0.0, -part, part);
        wanted += weighted * weighted;
        loudest = FN(select)(part > loudest, part, loudest);
        x[i] = (original + EPSILON) * plan->analysis[i];
    }
    vec rms;
    for (int l = 0; l < LANES; l++) rms[l] = sqrt(wanted[l] / n);
    for (int i = 0; i < n; i++) y[i] = x[i] + EPSILON + rms * plan->floor[i];
    lanes silent = wanted == 0.0;
    lanes solved = FN(analyse)(y, plan, silent, a, warped, scratch);
    FN(residual)(x, n, order, a, y);
    for (int g = 0; g < plan->sections; g++)
        FN(resonate)(y, n, plan->section_order, warped + g * size);
    for (int i = 0; i < n; i++) {
        got += y[i] * y[i];
        y[i] *= plan->synthesis[i];
        vec part = FN(select)(y[i] < 0.0, -y[i], y[i]);
        peak = FN(select)(part > peak, part, peak);
    }
    for (int l = 0; l < used; l++) {
        double gain = 1.0;
        if (plan->keep_level) {
            gain = sqrt(wanted[l] / fmax(got[l], DBL_MIN));
            gain = fmin(gain, MAX_BURST * loudest[l] / fmax(peak[l], DBL_MIN));
        }
        unsolved[l] = !silent[l] && !(solved[l] && isfinite(got[l]));
        if (silent[l] || unsolved[l]) continue;
        double *to = out + l * plan->hop;
        for (int i = 0; i < n; i++) to[i] += gain * y[i][l];
    }
}

#undef vec
#undef lanes
#undef LANES
#undef FN
#undef TARGET
