/* embed.h - a file's bytes as a part of the program. */
#ifndef LIB_EMBED_H
#define LIB_EMBED_H

/* Defines `const char symbol[], symbol_end[]`: the bytes from one to the other, and a NUL behind them. `path`
 * is relative to the repository's root, where make runs; the Makefile names it as a prerequisite of the
 * object. */
#define ORC_EMBED(symbol, path)                                                                              \
    __asm__(".pushsection .rodata\n"                                                                         \
            ".global " #symbol "\n"                                                                          \
            ".global " #symbol "_end\n" #symbol ":\n"                                                        \
            ".incbin \"" path "\"\n" #symbol "_end:\n"                                                       \
            ".byte 0\n"                                                                                      \
            ".popsection\n");                                                                                \
    extern const char symbol[], symbol##_end[]

#endif
