/* docker_image.h - pulling images. Pulls of one image that overlap are one pull with several who wait
 * (behaviour 73). Errors that the engine reports inside of a 200 answer are found.
 */
#ifndef NODELET_DOCKER_IMAGE_H
#define NODELET_DOCKER_IMAGE_H

#include "nodelet/docker.h"

struct docker_images;

enum docker_pull {
    PULL_OK,
    PULL_MISSING,   /* the registry answered: there is no such image, or it is not for this one to read */
    PULL_TRANSIENT, /* registry or engine could not be asked, or broke off */
};
typedef void docker_pull_cb(enum docker_pull outcome, const char *text, void *arg);

struct docker_images *docker_images_new(struct docker *d);
/* Those who wait are not called any more. NULL allowed; returns NULL. */
struct docker_images *docker_images_free(struct docker_images *im);

/* cb(arg) exactly once, unless docker_pull_forget(arg) comes first: the pull itself goes on. `platform`:
 * "linux/arm64"; NULL: the engine's own. */
void docker_pull(struct docker_images *im, const char *image, const char *platform, docker_pull_cb *cb,
                 void *arg);
void docker_pull_forget(struct docker_images *im, void *arg);

/* Whether an error's text says that the image does not exist (and not that it could not be asked for). */
bool docker_pull_is_missing(const char *message);

#endif
