/* alloc.c - memory for the one thread of the simulation: stands in for the C library's, also for jansson.
 *
 * Pieces of one size come from one list and go back to it; nothing is split, joined or given back to the
 * kernel. A fifth of a run was spent on being ready for more. Sanitizers bring a malloc of their own.
 */
#ifndef ORC_SANITIZE

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SPAN_BITS 16 /* a span is cut into pieces of one class */
#define SPAN (UINT64_C(1) << SPAN_BITS)
#define ARENA (UINT64_C(1) << 32) /* of addresses; memory is what was touched */
#define SMALL 1024                /* up to here classes are 16 bytes apart, from here they double */
#define CLASSES (SMALL / 16 + 32)

struct piece {
    struct piece *next;
};
static struct piece *lists[CLASSES];
static char *arena, *arena_end, *cut[CLASSES], *cut_end[CLASSES];
static uint8_t class_of_span[ARENA >> SPAN_BITS];

static unsigned class_of(size_t n)
{
    if (n <= SMALL)
        return n ? (unsigned)((n - 1) / 16) : 0;
    return SMALL / 16 + (unsigned)(63 - __builtin_clzll(n - 1)) - 10;
}

static size_t size_of(unsigned class)
{
    return class < SMALL / 16 ? 16 * ((size_t) class + 1) : (size_t)2048 << (class - SMALL / 16);
}

static char *arena_begin(void)
{
    static char *begin;

    if (begin)
        return begin;
    begin =
        mmap(NULL, ARENA + SPAN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (begin == MAP_FAILED)
        abort();
    begin = (char *)(((uintptr_t)begin + SPAN - 1) & ~(SPAN - 1));
    arena_end = begin + ARENA;
    return arena = begin;
}

/* New spans for a class: one, or as many as one piece takes. */
static int more(unsigned class)
{
    size_t spans = (size_of(class) + SPAN - 1) >> SPAN_BITS;
    char *begin = arena_begin();

    if (spans > (size_t)(arena_end - arena) >> SPAN_BITS)
        return -ENOMEM;
    for (size_t i = 0; i < spans; i++)
        class_of_span[((size_t)(arena - begin) >> SPAN_BITS) + i] = (uint8_t) class;
    cut[class] = arena;
    cut_end[class] = arena += spans << SPAN_BITS;
    return 0;
}

static void *take(size_t n)
{
    unsigned class = class_of(n);
    struct piece *p;
    size_t size;

    if (n > ARENA / 2)
        return NULL;
    p = lists[class];
    if (p) {
        lists[class] = p->next;
        return p;
    }
    size = size_of(class);
    if ((size_t)(cut_end[class] - cut[class]) < size && more(class) < 0)
        return NULL;
    p = (struct piece *)cut[class];
    cut[class] += size;
    return p;
}

void *malloc(size_t n)
{
    return take(n);
}

static unsigned class_at(const void *p)
{
    return class_of_span[(size_t)((const char *)p - arena_begin()) >> SPAN_BITS];
}

void free(void *at)
{
    struct piece *p = at;
    unsigned class;

    if (!p)
        return;
    class = class_at(p);
    p->next = lists[class];
    lists[class] = p;
}

void *calloc(size_t n, size_t size)
{
    size_t bytes;
    void *p = __builtin_mul_overflow(n, size, &bytes) ? NULL : take(bytes);

    return p ? memset(p, 0, bytes) : NULL;
}

void *realloc(void *was, size_t n)
{
    size_t had = was ? size_of(class_at(was)) : 0;
    void *p;

    if (was && n <= had)
        return was;
    p = take(n);
    if (p && was)
        memcpy(p, was, had);
    if (p)
        free(was);
    return p;
}

/* A piece that doubles lies at a multiple of its size, or of a span's. */
void *aligned_alloc(size_t align, size_t n)
{
    if (align > SPAN)
        return NULL;
    if (align > 16 && n <= SMALL)
        n = SMALL + 1;
    return take(n > align ? n : align);
}

#endif
