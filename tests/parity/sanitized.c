/* Every step of native.c on odd shapes, each map in memory of exactly its size: built with -fsanitize=address,undefined. */
#include "native.c"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void *numbers(ptrdiff_t count, int format, float value)
{
    void *map = malloc(count * (format == FLOAT ? 4 : 2));
    for (ptrdiff_t i = 0; i < count; i++)
        store(map, i, lanes(1), format, all(i % 7 == 3 ? value : 0.25f * (float)(i % 11) - 1));
    return map;
}

static void steps(ptrdiff_t rows, ptrdiff_t width, ptrdiff_t channels, int format, float value)
{
    ptrdiff_t out_count = rows * width * channels, in_count = (rows + 2) * width * channels;
    void *a = numbers(in_count, format, value), *b = numbers(in_count, format, value), *out = numbers(out_count, format, 0);
    float *x = numbers(out_count, 0, value), *taps = numbers(9 * channels, 0, 1);
    float *weight = numbers(channels, 0, 1), *bias = numbers(channels, 0, 1);
    gated(a, b, taps, taps, out, rows, width, channels, format, 1);
    depthwise(a, channels, taps, 0, out, channels, rows, width, channels, format, 1);
    depthwise(a, channels, taps, 1, out, channels, rows, width, channels, format, 1);
    activate(out, out_count, format, 1);
    update(x, out, weight, bias, out, rows * width, channels, channels, format, 1);
    update(x, out, NULL, NULL, NULL, rows * width, channels, channels, format, 1);
    update(x, NULL, weight, bias, out, rows * width, channels, channels, format, 1);
    update(x, out, weight, bias, out, rows * width, channels > 20 ? channels - 15 : channels, channels, format, 1);
    free(a), free(b), free(out), free(x), free(taps), free(weight), free(bias);
}

int main(void)
{
    const float values[] = {1, 60000, INFINITY, NAN, 1e-30f};
    for (ptrdiff_t channels = 1; channels <= 35; channels++)
        for (ptrdiff_t width = 1; width <= 9; width += width < 5 ? 1 : 4)
            for (ptrdiff_t rows = 1; rows <= 3; rows++)
                for (int i = 0; i < 15; i++)
                    steps(rows, width, channels, i % 3, values[i / 3]);
    puts("done");
}
