/* version.h - which orc this is: VERSION in the Makefile, the same in every program. */
#ifndef LIB_VERSION_H
#define LIB_VERSION_H

const char *orc_version(void); /* "0.1" */

#endif
